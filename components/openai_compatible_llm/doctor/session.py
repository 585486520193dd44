"""Runs one command: sends its requests, looks at the cluster where one fails, and prints the results."""

from contextlib import closing
from dataclasses import replace

from ..model_patterns import is_pattern
from . import printing
from .client import send
from .cluster import Cluster
from .diagnosis import diagnose, is_other_cluster
from .hops import Finding
from .inspection import Evidence, check_secret
from .options import Options, UsageError
from .outcome import Answer, Endpoint, Failure
from .request_path import RequestPath
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
    with closing(Cluster(options.kubeconfig, options.context)) as cluster:
        session = _Session(options, cluster)
        if options.shared and options.all:
            return session.ask_for_each_model(targets)
        return session.ask_all(targets) if options.all else session.ask(*targets)


class _Session:
    def __init__(self, options: Options, cluster: Cluster) -> None:
        self._options = options
        self._cluster = cluster

    def ask(self, target: Target) -> int:
        options = self._options
        if options.endpoint is not Endpoint.MODELS and target.model is None:
            raise UsageError(_missing_model(target))
        outcome = send(options, target, options.endpoint, printing.write_out if options.stream else None)
        if isinstance(outcome, Answer):
            printing.write_out(f"{outcome.body}\n" if options.as_json else outcome.text)
            printing.write_err(printing.format_summary(outcome))
        elif options.stream:
            printing.write_out("\n")
        finding = self._examine(target, outcome, options.endpoint)
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
            outcome = send(self._options, target, Endpoint.CHAT, lambda _: None)
            finding = self._examine(target, outcome, Endpoint.CHAT)
            if isinstance(outcome, Answer):
                models = send(self._options, target, Endpoint.MODELS)
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
            outcome = send(self._options, target, Endpoint.CHAT, lambda _: None)
            finding = self._examine(target, outcome, Endpoint.CHAT)
            findings += [finding] if finding else []
            rows.append(printing.format_model_row(target, printing.format_answering_model(outcome, finding), outcome))
        printing.write_out(printing.format_table(rows, printing.MODEL_HEADINGS))
        printing.write_err(printing.MODEL_LEGEND)
        return findings[0].hop.status if findings else OK

    def _examine(self, target: Target, outcome: Answer | Failure, endpoint: Endpoint) -> Finding | None:
        """Returns the broken hop, after printing it.

        It may be the Secret's although the provider answered: some answer without a key.
        """
        path = self._look_up(target, outcome)
        if not isinstance(outcome, Answer):
            finding = diagnose(Evidence(target, path, outcome, endpoint))
        elif missing_key := next(check_secret(path), None):
            finding = replace(missing_key, evidence=f"{endpoint.one_answer} arrived, yet {missing_key.evidence}")
        else:
            return None
        printing.write_err(printing.format_finding(target.label, finding, path, self._options.token))
        return finding

    def _look_up(self, target: Target, outcome: Answer | Failure) -> RequestPath:
        path = self._cluster.look_up(target)
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
