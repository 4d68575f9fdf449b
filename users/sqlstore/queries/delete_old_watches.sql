-- $1 now.
DELETE FROM watches WHERE until <= $1
