"""Gives a picture other colours in dark mode."""

from collections.abc import Mapping


def with_modes(svg: str, light: Mapping[str, str], dark: Mapping[str, str]) -> tuple[str, str]:
    """Replaces a picture's colours by variables, and returns it with the style sheet that sets them.

    Args:
        svg: The picture, in its colours for light mode.
        light: These colours, by the variables' names.
        dark: The colours for dark mode, by the same names.
    """
    for name, colour in light.items():
        svg = svg.replace(colour, f"var(--{name})")
    variables = [" ".join(f"--{name}: {colour};" for name, colour in each.items()) for each in (light, dark)]
    style = (
        f"<style>svg {{ {variables[0]} }} @media (prefers-color-scheme: dark) {{ svg {{ {variables[1]} }} }}</style>"
    )
    return svg, style
