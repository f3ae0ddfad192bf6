"""From raw tables to the report: the steps, the engine that runs them, the record of what was built.

`build` is the engine, `manifest` its memory, `steps` the list of this project's steps, `notebooks` and
`report` the two that are more than a call, `progress` what a person sees. Computes and draws nothing.
"""
