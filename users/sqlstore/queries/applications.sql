-- One row per application and bound group, one for those without any. $1 application or empty for all.
SELECT a.id, a.origin, a.document, a.version, COALESCE(b.group_id, '')
FROM applications a
LEFT JOIN application_groups b ON b.application_id = a.id
WHERE $1 = '' OR a.id = $1
