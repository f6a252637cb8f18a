"""A fuzzer that knows what every endpoint declares: it calls all of them as member, admin and
nobody, near to what they take and far from it, and looks at what comes back.

`endpoints` derives what there is to call, `values` makes values of a schema and breaks them,
`stock` has things to call it on, `calls` puts one request together from a seed and a number,
`run` makes them and counts, `isolation` tries one project's ids as another's member, `watch` sees
a process that was restarted.
"""
