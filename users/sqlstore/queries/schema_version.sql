-- The newest migration that was applied.
SELECT COALESCE(MAX(version_id), 0) FROM schema_versions
