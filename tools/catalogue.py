"""Makes the tables of the providers that have a preset; `make catalogue` prints the first one."""

from components.openai_compatible_llm.presets import PRESETS

HEADINGS = ("preset", "provider", "host", "path", "header of the key", "also serves", "checked on", "sources")
ENDPOINT_HEADINGS = ("preset", "also serves", "checked on", "source")


def providers_table() -> str:
    """Returns the table in Markdown, with columns that also line up in a terminal."""
    rows = [
        (
            f"`{key}`",
            preset.title,
            f"`{preset.host}`",
            f"`{preset.path}`",
            "`Authorization: Bearer`" + ("" if preset.auth_header_confirmed else ", unconfirmed"),
            ", ".join(preset.endpoint_kinds) or "-",
            f"{preset.confirmed}",
            ", ".join(preset.sources),
        )
        for key, preset in PRESETS.items()
    ]
    return _aligned([HEADINGS, *rows])


def endpoints_table() -> str:
    """Returns a table of what each provider serves besides chat completions, a row for each claim."""
    rows = [
        (f"`{key}`", ", ".join(claim.kinds), f"{claim.confirmed}", f"<{claim.source}>")
        for key, preset in PRESETS.items()
        for claim in preset.endpoint_claims
    ]
    return _aligned([ENDPOINT_HEADINGS, *rows])


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = ("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


if __name__ == "__main__":
    print(providers_table())  # noqa: T201
