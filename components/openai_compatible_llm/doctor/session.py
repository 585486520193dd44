"""Runs one command: sends its requests, looks at the cluster where one fails, and prints the results."""

from contextlib import closing
from dataclasses import replace

from ..model_patterns import is_pattern
from . import printing
from .access import Access
from .client import send
from .client_checks import client_of
from .clients import ClientKey
from .cluster import Cluster
from .diagnosis import diagnose, is_other_cluster
from .hops import Finding
from .inspection import Evidence, check_secret
from .options import Options, UsageError
from .outcome import Answer, Endpoint, Failure
from .request_path import RequestPath
from .rival_policies import find_rivals
from .stack_outputs import read_context
from .targets import Target, find_targets

OK = 0


def run(options: Options) -> int:
    """Sends the requests and prints the results.

    Returns:
        The exit status: of the first provider with a broken hop, 1 where only a model is missing, or 0.

    Raises:
        UsageError: There is no provider to send a request to.
    """
    targets = find_targets(options)
    context = options.context
    if options.stack and not (context or options.kubeconfig):
        context = read_context(options.stack)
    with closing(Cluster(options.kubeconfig, context)) as cluster:
        session = _Session(options, cluster)
        if options.shared and options.all:
            return session.ask_for_each_model(targets)
        return session.ask_all(targets) if options.all else session.ask(*targets)


class _Session:
    def __init__(self, options: Options, cluster: Cluster) -> None:
        self._options = options
        self._cluster = cluster
        self._notes: set[str] = set()

    def ask(self, target: Target) -> int:
        options = self._options
        if options.endpoint is not Endpoint.MODELS and target.model is None:
            raise UsageError(_missing_model(target))
        path, key = self._place_key(target, options.endpoint)
        outcome = send(options, target, options.endpoint, key, printing.write_out if options.stream else None)
        if isinstance(outcome, Answer):
            printing.write_out(f"{outcome.body}\n" if options.as_json else outcome.text)
            is_shared_list = path is not None and path.shared_route and options.endpoint is Endpoint.MODELS
            client = client_of(path, key) if path and is_shared_list else None
            printing.write_err(printing.format_summary(outcome, client))
        elif options.stream:
            printing.write_out("\n")
        finding = self._examine(target, outcome, options.endpoint, path, key)
        return finding.hop.status if finding else OK

    def ask_all(self, targets: list[Target]) -> int:
        rows: list[tuple[str, ...]] = []
        findings: list[Finding] = []
        status = OK
        for target in targets:
            if target.model is None:
                printing.write_err(_missing_model(target))
                rows.append(printing.format_row_without_completion(target.provider, "no model: give --model"))
                status = UsageError.STATUS
                continue
            path, key = self._place_key(target, Endpoint.CHAT)
            outcome = send(self._options, target, Endpoint.CHAT, key, lambda _: None)
            finding = self._examine(target, outcome, Endpoint.CHAT, path, key)
            if isinstance(outcome, Answer):
                models = send(self._options, target, Endpoint.MODELS, key)
                rows.append(printing.format_row(target, outcome, finding, models))
            elif finding:
                rows.append(printing.format_row_without_completion(target.provider, f"broken: {finding.hop.label}"))
            findings += [finding] if finding else []
        printing.write_out(printing.format_table(rows))
        printing.write_err(printing.LEGEND)
        return findings[0].hop.status if findings else status

    def ask_for_each_model(self, targets: list[Target]) -> int:
        rows: list[tuple[str, ...]] = []
        findings: list[Finding] = []
        for target in targets:
            if is_pattern(target.model or ""):
                rows.append(printing.format_model_row(target, printing.PATTERN))
                continue
            path, key = self._place_key(target, Endpoint.CHAT)
            outcome = send(self._options, target, Endpoint.CHAT, key, lambda _: None)
            finding = self._examine(target, outcome, Endpoint.CHAT, path, key)
            findings += [finding] if finding else []
            rows.append(printing.format_model_row(target, printing.format_answering_model(outcome, finding), outcome))
        printing.write_out(printing.format_table(rows, printing.MODEL_HEADINGS))
        printing.write_err(printing.MODEL_LEGEND)
        return findings[0].hop.status if findings else OK

    def _place_key(self, target: Target, endpoint: Endpoint) -> tuple[RequestPath | None, ClientKey | None]:
        """Returns the request's key where its header needs it to be, and the path if that had to be looked up."""
        token, header = self._options.token, self._options.token_header
        if token is None:
            return None, None
        path = self._cluster.look_up(target, endpoint)
        return path, Access(path.access_policies or ()).place(token, header)

    def _examine(
        self,
        target: Target,
        outcome: Answer | Failure,
        endpoint: Endpoint,
        path: RequestPath | None,
        key: ClientKey | None,
    ) -> Finding | None:
        """Returns the broken hop, after printing it.

        It may be the Secret's although the provider answered: some answer without a key.
        """
        path = self._right_cluster(target, outcome, path or self._cluster.look_up(target, endpoint))
        finding = self._find(target, outcome, endpoint, path, key)
        if finding:
            tokens = (self._options.token, self._options.provider_token)
            printing.write_err(printing.format_finding(target.label, finding, path, *filter(None, tokens)))
        self._note_rivals(target, path, finding)
        return finding

    def _find(
        self, target: Target, outcome: Answer | Failure, endpoint: Endpoint, path: RequestPath, key: ClientKey | None
    ) -> Finding | None:
        if not isinstance(outcome, Answer):
            return diagnose(Evidence(target, path, outcome, endpoint, key))
        if missing_key := next(check_secret(path), None):
            return replace(missing_key, evidence=f"{endpoint.one_answer} arrived, yet {missing_key.evidence}")
        return None

    def _note_rivals(self, target: Target, path: RequestPath, finding: Finding | None) -> None:
        """Prints once for all targets which policies set what the component sets, unless the finding names them."""
        for rival in find_rivals(path, target):
            note = printing.format_note(str(rival))
            if note not in self._notes and not (finding and rival.name in finding.evidence):
                printing.write_err(note)
                self._notes.add(note)

    def _right_cluster(self, target: Target, outcome: Answer | Failure, path: RequestPath) -> RequestPath:
        """Returns the path; without what was found if the cluster is another one than the gateway's."""
        if not is_other_cluster(target, path, outcome):
            return path
        return RequestPath(
            unavailable=f"the request found a route, but there is no {path.first_route.name} in the cluster of context "
            f"{path.context}; choose the right one with --context"
        )


def _missing_model(target: Target) -> str:
    if target.stack is None:
        return f"To send a request to {target.path}, give a model: --model."
    return f"Provider {target.provider} of stack {target.stack} has no model of its own: give one with --model."
