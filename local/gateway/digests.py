"""Keeps the digest of each image and chart from its first download on."""

from pathlib import Path

from local.errors import LocalError
from local.folders import write_private


class KeptDigests:
    """A file with a line for each reference and its digest. The caller holds a lock."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def refuse_other(self, reference: str, digest: str) -> None:
        """Checks that a reference has the digest that it had at its first download.

        Raises:
            LocalError: It has another one.
        """
        kept = self._read().get(reference, digest)
        if kept != digest:
            raise LocalError(
                f"{reference} has changed since it was first downloaded: its digest was {kept}, and is {digest} now. A "
                f"released version doesn't change, so find out why before you use it. To accept the new one, remove "
                f"the line of {reference} from {self.file}, and run the command again."
            )

    def keep(self, reference: str, digest: str) -> None:
        lines = (f"{name} {value}\n" for name, value in sorted({**self._read(), reference: digest}.items()))
        write_private(self.file, "".join(lines))

    def _read(self) -> dict[str, str]:
        if not self.file.exists():
            return {}
        try:
            text = self.file.read_text()
        except UnicodeDecodeError:
            raise LocalError(
                f"{self.file}, which keeps the digests of what was downloaded, is damaged. Remove it, and run the "
                "command again: it accepts what the registry has now."
            ) from None
        lines = (line.split() for line in text.splitlines())
        return {words[0]: words[1] for words in lines if len(words) > 1}
