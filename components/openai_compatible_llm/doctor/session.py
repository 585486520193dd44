"""Turns options into requests and an exit status; looks at the cluster where a request fails."""

from dataclasses import replace
from types import TracebackType

from ..presets import EndpointKind
from . import printing
from .client import ChatRequest, Connection, embed, list_models, send, stream
from .cluster import Cluster
from .diagnosis import diagnose, is_other_cluster
from .errors import UsageError
from .hops import Finding
from .inspection import check_secret
from .options import Options
from .outcome import Answer, Completion, Embedding, Failure, ModelList
from .request_path import ClusterUnavailable, RequestPath
from .stack_outputs import read_providers
from .targets import Target, select_provider, target_from_path, targets_from_outputs

OK = 0

_WHAT_ARRIVED = {Completion: "a completion", ModelList: "a list of models", Embedding: "an embedding"}


class Session:
    """Runs one command. It connects to the cluster at most once, and only if it has to."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cluster: Cluster | ClusterUnavailable | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(self._cluster, Cluster):
            self._cluster.close()

    def run(self) -> int:
        """Sends the requests and prints the results.

        Returns:
            The exit status: of the first provider with a broken hop, 1 where only a model is missing, or 0.

        Raises:
            UsageError: There is no provider to send a request to.
        """
        targets = self._targets()
        if self._options.all:
            return self._run_all(targets)
        (target,) = targets
        result = self._request(target)
        if not isinstance(result, Answer):
            return self._diagnose(target, result, self._endpoint).hop.status
        printing.write_out(self._text(result))
        printing.write_err(printing.format_summary(result))
        finding = self._check_key(target, result)
        return finding.hop.status if finding else OK

    @property
    def _endpoint(self) -> EndpointKind | None:
        """The endpoint that gets the request; None for chat completions."""
        if self._options.models:
            return EndpointKind.MODELS
        return None if self._options.embeddings is None else EndpointKind.EMBEDDINGS

    def _request(self, target: Target) -> Answer | Failure:
        options = self._options
        if options.models:
            return list_models(self._connection(target))
        if options.embeddings is not None and options.model is not None:
            return embed(self._connection(target), options.model, options.embeddings)
        if target.model is None:
            raise UsageError(_missing_model(target))
        return self._send(target, target.model)

    def _text(self, answer: Answer) -> str:
        if self._options.as_json:
            return f"{answer.body}\n"
        if self._options.stream:
            return "\n"
        return printing.format_answer(answer)

    def _targets(self) -> list[Target]:
        options = self._options
        if options.path is not None:
            return [target_from_path(options.path, options.gateway_url, options.model)]
        if options.stack is None:
            raise UsageError(
                "No stack given: choose the one whose provider gets the request, with --stack (with make: STACK=...). "
                "Without a stack, give --path, --gateway-url and --model."
            )
        providers = read_providers(options.stack)
        if not options.all:
            providers = select_provider(options.stack, providers, options.provider)
        return targets_from_outputs(options.stack, providers, options.gateway_url, options.model)

    def _run_all(self, targets: list[Target]) -> int:
        rows: list[tuple[str, ...]] = []
        findings: list[Finding] = []
        status = OK
        for target in targets:
            if target.model is None:
                printing.write_err(_missing_model(target))
                rows.append(printing.format_row_without_completion(target.provider, "no model: give --model"))
                status = UsageError.STATUS
                continue
            result = self._send(target, target.model)
            if isinstance(result, Completion):
                finding = self._check_key(target, result)
                rows.append(printing.format_row(target, result, finding, list_models(self._connection(target))))
            else:
                finding = self._diagnose(target, result)
                rows.append(printing.format_row_without_completion(target.provider, f"broken: {finding.hop.label}"))
            findings += [finding] if finding else []
        printing.write_out(printing.format_table(rows))
        printing.write_err(printing.LEGEND)
        return findings[0].hop.status if findings else status

    def _send(self, target: Target, model: str) -> Completion | Failure:
        options = self._options
        request = ChatRequest(self._connection(target), model, options.prompt)
        if options.all:
            return stream(request, lambda _: None)
        if not options.stream:
            return send(request)
        result = stream(request, printing.write_out)
        if not isinstance(result, Completion):
            printing.write_out("\n")
        return result

    def _connection(self, target: Target) -> Connection:
        return Connection(target.base_url, self._options.token, self._options.timeout)

    def _diagnose(self, target: Target, failure: Failure, endpoint: EndpointKind | None = None) -> Finding:
        """Returns the broken hop, after printing it."""
        cluster_view = self._look_up(target, failure)
        finding = diagnose(failure, target, cluster_view, endpoint)
        self._report(target, finding, cluster_view)
        return finding

    def _check_key(self, target: Target, answer: Answer) -> Finding | None:
        """Returns that the gateway has no key to send, although the provider answered: some answer without one."""
        cluster_view = self._look_up(target, None)
        finding = next(check_secret(cluster_view), None) if isinstance(cluster_view, RequestPath) else None
        if finding:
            finding = replace(finding, evidence=f"{_WHAT_ARRIVED[type(answer)]} arrived, yet {finding.evidence}")
            self._report(target, finding, cluster_view)
        return finding

    def _report(self, target: Target, finding: Finding, cluster_view: RequestPath | ClusterUnavailable) -> None:
        secrets = cluster_view.secrets if isinstance(cluster_view, RequestPath) else ()
        keys = [self._options.token, *(secret.api_key for secret in secrets)]
        printing.write_err(printing.format_finding(target.provider, finding, cluster_view, filter(None, keys)))

    def _look_up(self, target: Target, failure: Failure | None) -> RequestPath | ClusterUnavailable:
        if self._cluster is None:
            self._cluster = Cluster.connect(self._options.kubeconfig, self._options.context)
        if isinstance(self._cluster, ClusterUnavailable):
            return self._cluster
        cluster_view = self._cluster.look_up(target)
        if isinstance(cluster_view, RequestPath) and is_other_cluster(cluster_view, failure):
            return ClusterUnavailable(
                f"the request found a route, but there is no {cluster_view.route.name} in the cluster of context "
                f"{cluster_view.context}; choose the right one with --context"
            )
        return cluster_view


def _missing_model(target: Target) -> str:
    if target.stack is None:
        return f"To send a request to {target.path}, give a model: --model."
    return f"Provider {target.provider} of stack {target.stack} has no model of its own: give one with --model."
