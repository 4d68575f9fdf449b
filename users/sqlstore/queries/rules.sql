SELECT id, label, rule, origin, version FROM groups WHERE rule <> '' ORDER BY id
