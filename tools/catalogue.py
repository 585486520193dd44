"""Makes the table of the providers that have a preset; `make catalogue` prints it."""

from components.openai_compatible_llm.presets import PRESETS, Preset

HEADINGS = ("preset", "provider", "host", "path", "header of the key", "also serves", "checked on", "sources")
ENDPOINT_HEADINGS = ("preset", "also serves", "checked on", "source")


def providers_table() -> str:
    """Returns the table in Markdown, with columns that also line up in a terminal."""
    return _aligned(HEADINGS, [_row(key, preset) for key, preset in PRESETS.items()])


def endpoints_table() -> str:
    """Returns a table of what each provider serves besides chat completions, a row for each claim."""
    return _aligned(
        ENDPOINT_HEADINGS,
        [
            (f"`{key}`", ", ".join(claim.kinds), f"{claim.confirmed}", f"<{claim.source}>")
            for key, preset in PRESETS.items()
            for claim in preset.endpoint_claims
        ],
    )


def _aligned(headings: tuple[str, ...], body_rows: list[tuple[str, ...]]) -> str:
    rows = [headings, *body_rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = ("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


def _row(key: str, preset: Preset) -> tuple[str, ...]:
    return (
        f"`{key}`",
        preset.title,
        f"`{preset.host}`",
        f"`{preset.path}`",
        "`Authorization: Bearer`" + ("" if preset.auth_header_confirmed else ", unconfirmed"),
        ", ".join(preset.endpoint_kinds) or "-",
        f"{preset.confirmed}",
        ", ".join(preset.sources),
    )


if __name__ == "__main__":
    print(providers_table())  # noqa: T201
