"""A local TokenLab: the same routes, shapes, errors and quirks, with pictures drawn here and nothing billed.

It follows the vendor's schemas and pages (Create image, Edit image, Image variations, Get task, Files, Models,
Pricing, Errors). What those leave open is decided here and called a *sandbox value*.

Read in this order: `catalog` (the models, as data), `checks` (is this request one the service would take?),
`world` (what was made, and how far it is), `faults` (what goes wrong on purpose), `app` (the ASGI application).
"""
