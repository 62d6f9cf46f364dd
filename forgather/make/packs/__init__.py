"""Packs: a new checkout starts with what another one knew.

To look a config up in a cache costs a millisecond, nearly all of it Python's own; a pack holds a whole
workspace in one entry of the store: rendered texts and graphs, their records, and the stamps of the
checkout that offers it, with the *content* of what they rest on in the place of its stats. A checkout in
which nothing was built yet takes out of it what holds there too, judged probe by probe. It puts the files
into their places and writes records and stamps as if it had looked at each config itself. What does not
hold is left to be looked up one by one, so that a pack that is not recent is of use as well.

A pack is found by the names of the projects, by Python and by where the package lies. What rests on a file
outside of the checkout is not packed: another checkout may look for it elsewhere. Models, data and what
follows are looked up one by one: there are few, and they take long anyhow.
"""
