-- New people with version 1.
INSERT INTO users (
    id, base_state, epoch, version, email, email_key, username, username_key, list_key, search_text,
    first_name, last_name, manager_id, role, sealed, origin, attributes, access_from, access_until, confined_to, last_sign_in, created_at,
    updated_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
