DELETE FROM logos WHERE application_id = $1
