DELETE FROM watches WHERE application_id = $1 AND holder = $2
