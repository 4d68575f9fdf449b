SELECT digest, media_type, content
FROM logos
WHERE application_id = $1
