"""Asks a deployed provider through its gateway, and names the broken link where no answer comes.

`python -m openai_compatible_llm.doctor`, of the extra `chat`; the component itself needs nothing of it.
"""
