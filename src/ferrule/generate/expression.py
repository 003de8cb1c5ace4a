"""A text as GitHub has it where `${{ … }}` is an expression: any string goes in, what means it comes out."""

OPEN = "${{"
LITERAL = "${{ '${{' }}"
"""An expression whose value is what opens an expression; a value is not looked through again."""


def literal(text: str) -> str:
    """The text with nothing in it that GitHub would evaluate to something else."""
    return text.replace(OPEN, LITERAL)
