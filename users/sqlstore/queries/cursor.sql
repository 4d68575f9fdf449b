SELECT seq FROM followers
WHERE name = $1
