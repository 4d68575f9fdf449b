package sqlstore

import "context"

// IdleTransactionLimit returns the limit under which the connections of a store on PostgreSQL are.
func (s *Store) IdleTransactionLimit(ctx context.Context) (limit string, err error) {
	err = s.writer.QueryRowContext(ctx, "SHOW "+idleTransactionSetting).Scan(&limit)
	return limit, err
}
