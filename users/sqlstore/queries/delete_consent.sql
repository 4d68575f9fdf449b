-- $1 person, $2 application.
DELETE FROM consents WHERE user_id = $1 AND application_id = $2
