"""Fields of messages, one module a kind: amounts, times, ids, names, consent, as people and programs write them."""
