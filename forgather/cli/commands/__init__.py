"""One module per command: ``configure(parser)`` says its options, ``run(context, args)`` does it.

``DYNAMIC = True`` in a module: the options that the selected config defines are added to the
command's own. ``EXTRA = True``: what follows ``--`` on the line is handed on in ``context.extra``.
"""
