"""From options to an exit status: asks each provider, and looks at the cluster where no answer came."""

from dataclasses import replace
from types import TracebackType

from . import printing
from .chain import Chain, NotLooked
from .client import Question, ask, ask_streaming
from .cluster import Cluster
from .diagnosis import diagnose, is_of_another_cluster
from .errors import CannotAsk
from .inspection import broken_secret
from .links import Finding
from .options import Options
from .outcome import Answer, Failure
from .stack_outputs import providers_of
from .targets import Target, one_of, target_by_path, targets_of

ANSWERED = 0


class Conversation:
    """What one command asks. The cluster is connected to once at most, and only where it is needed."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cluster: Cluster | NotLooked | None = None

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(self._cluster, Cluster):
            self._cluster.close()

    def run(self) -> int:
        """
        Returns:
            The exit status: of the first provider that is broken, or 0.

        Raises:
            CannotAsk: There is nobody to ask.
        """
        targets = self._targets()
        if self._options.all:
            return self._ask_all(targets)
        (target,) = targets
        came = self._ask(target)
        if not isinstance(came, Answer):
            return self._broken(target, came).link.status
        text = came.body if self._options.as_json else "" if self._options.stream else came.text
        printing.say(f"{text}\n")
        printing.note(printing.summary(came))
        found = self._without_key(target)
        return found.link.status if found else ANSWERED

    def _targets(self) -> list[Target]:
        options = self._options
        if options.path is not None:
            return [target_by_path(options.path, options.gateway_url, options.model)]
        if options.stack is None:
            raise CannotAsk("Whom to ask? Give STACK=... (--stack), or in its place --path, --gateway-url and --model.")
        providers = providers_of(options.stack)
        if not options.all:
            providers = one_of(options.stack, providers, options.provider)
        return targets_of(options.stack, providers, options.gateway_url, options.model)

    def _ask_all(self, targets: list[Target]) -> int:
        rows, broken = [], []
        for target in targets:
            came = self._ask(target)
            found = self._without_key(target) if isinstance(came, Answer) else self._broken(target, came)
            rows.append(printing.row(target.provider, came if isinstance(came, Answer) else None, found))
            broken += [found] if found else []
        printing.say(printing.table(rows))
        return broken[0].link.status if broken else ANSWERED

    def _ask(self, target: Target) -> Answer | Failure:
        options = self._options
        question = Question(target.base_url, target.model, options.prompt, options.token, options.timeout)
        if options.all:
            return ask_streaming(question, lambda _: None)
        if not options.stream:
            return ask(question)
        came = ask_streaming(question, printing.say)
        if not isinstance(came, Answer):
            printing.say("\n")
        return came

    def _broken(self, target: Target, failure: Failure) -> Finding:
        """What is broken, which is said at once."""
        looked = self._look(target, failure)
        found = diagnose(failure, target, looked)
        self._note(target, found, looked)
        return found

    def _without_key(self, target: Target) -> Finding | None:
        """That the gateway has no key to send, although an answer came: some providers answer without one."""
        looked = self._look(target, None)
        found = next(broken_secret(looked), None) if isinstance(looked, Chain) else None
        if found:
            found = replace(found, seen=f"an answer came, yet {found.seen}")
            self._note(target, found, looked)
        return found

    def _note(self, target: Target, found: Finding, looked: Chain | NotLooked) -> None:
        keys = [self._options.token, looked.secret.api_key if isinstance(looked, Chain) and looked.secret else None]
        printing.note(printing.finding(target.provider, found, looked, filter(None, keys)))

    def _look(self, target: Target, failure: Failure | None) -> Chain | NotLooked:
        if self._cluster is None:
            self._cluster = Cluster.of(self._options.kubeconfig, self._options.context)
        looked = self._cluster.chain(target) if isinstance(self._cluster, Cluster) else self._cluster
        if isinstance(looked, Chain) and is_of_another_cluster(looked, failure):
            return NotLooked(
                f"the request has found a route, and there is no {looked.route.what} in the cluster of context "
                f"{looked.context}; name the right one with --context"
            )
        return looked
