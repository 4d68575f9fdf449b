-- Keeps put_group from going on, which raises the number, until this transaction ends.
SELECT number FROM revision WHERE id = 1 FOR SHARE
