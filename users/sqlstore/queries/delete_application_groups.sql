-- $1 application.
DELETE FROM application_groups WHERE application_id = $1
