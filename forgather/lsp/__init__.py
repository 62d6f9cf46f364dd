"""The language server: diagnostics, definitions, hover and completion for templates, in any editor.

::

    outline      one text, lexically: what stands where           (works on broken and unsaved text)
    projects     from a file to the configs that use it, rendered (works on what is saved)
    specs        import specs to definitions, read from source
    diagnostics  findings of ``forgather check``, by file
    definition, hover, completion     answers, as plain data
    server       the only module that knows pygls and the protocol

Nothing here imports or runs what a config names: templates are rendered in the sandbox, Python is
read as source.
"""
