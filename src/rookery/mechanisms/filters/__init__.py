"""The one filter language of the house: `sev>=high tag:dmz seen<7d "free text" -owner:ann`.

`grammar` reads it, with the vocabulary of whoever asks; `meaning` makes conditions in SQL of it. What can be
asked is in docs/reference/filters.md.
"""
