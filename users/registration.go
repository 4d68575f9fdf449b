package users

import (
	"context"
	"fmt"
	"time"
)

// WebhookRegistration is what was last known of a connection's webhook at its source.
type WebhookRegistration struct {
	ID        string    `json:"id,omitempty"`         // as the source names it; empty: none is known
	TokenHash string    `json:"token_hash,omitempty"` // SHA-256 in hex of the token that was sent there
	ChangedAt string    `json:"changed_at,omitempty"` // what the source said of the last change, which was ours
	CheckedAt time.Time `json:"checked_at,omitzero"`
	Problem   string    `json:"problem,omitempty"` // why it was not in order and could not be repaired
}

// registrationLease is longer than a registration takes.
const registrationLease = time.Minute

func webhookRegistrationName(connection ApplicationID) string {
	return "webhook_registration:" + string(connection)
}

// WebhookRegistration returns what is known of a connection's webhook; the zero value where there is nothing.
func (d *Directory) WebhookRegistration(ctx context.Context, connection ApplicationID) (WebhookRegistration, error) {
	registration, _, err := readSetting[WebhookRegistration](ctx, d.store, webhookRegistrationName(connection))
	return registration, err
}

// PutWebhookRegistration replaces what is known of a connection's webhook.
func (d *Directory) PutWebhookRegistration(ctx context.Context, connection ApplicationID, registration WebhookRegistration) error {
	err := d.store.Update(ctx, func(tx Tx) error {
		name := webhookRegistrationName(connection)
		_, version, err := readSetting[WebhookRegistration](ctx, tx, name)
		if err != nil {
			return err
		}
		return putSetting(ctx, tx, name, registration, version)
	})
	if err != nil {
		return fmt.Errorf("webhook registration of %s: %w", connection, err)
	}
	return nil
}

// AcquireWebhookLease lets one process at a time look after a connection's webhook, or returns ErrLeaseHeld.
func (d *Directory) AcquireWebhookLease(ctx context.Context, connection ApplicationID, holder string) (Lease, error) {
	return d.store.AcquireLease(ctx, "webhook:"+string(connection), holder, d.now(), registrationLease)
}
