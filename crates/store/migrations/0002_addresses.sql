-- Format 2: where the URL of a server has a query, it stands sealed in `secrets` (field `url`), and `servers.url` is what
-- is shown of it. What an earlier format left is sealed by the program, which has the key. An earlier program must not
-- read this one: it would call what is shown.
UPDATE servers SET url = url WHERE url IS NULL;
