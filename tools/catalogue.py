"""Makes the tables of the providers that have a preset; `make catalogue` prints the first one."""

from components.openai_compatible_llm.presets import PRESETS, EndpointKind

HEADINGS = ("preset", "provider", "host", "path", "header of the key", "also serves", "checked on", "sources")
GRID_HEADINGS = ("preset", "chat", *EndpointKind)
SOURCE_HEADINGS = ("preset", "also serves", "checked on", "source")


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


def endpoints_grid() -> str:
    """Returns what each provider serves: `yes` where a source says so, else `?`."""
    rows = [
        (f"`{key}`", "yes", *("yes" if kind in preset.endpoint_kinds else "?" for kind in EndpointKind))
        for key, preset in PRESETS.items()
    ]
    return _aligned([GRID_HEADINGS, *rows])


def sources_table() -> str:
    """Returns who says what each provider serves besides chat completions, a row for each claim."""
    rows = [
        (f"`{key}`", ", ".join(claim.kinds), f"{claim.confirmed}", f"<{claim.source}>")
        for key, preset in PRESETS.items()
        for claim in preset.endpoint_claims
    ]
    return _aligned([SOURCE_HEADINGS, *rows])


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = ("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


if __name__ == "__main__":
    print(providers_table())  # noqa: T201
