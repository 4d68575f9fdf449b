package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps the compiled statements of one pool or transaction. Without it
// SQLite compiles each text at each use, which takes longer than most reads.
type prepared struct {
	mu     sync.RWMutex
	byText map[string]*sql.Stmt // guarded by mu
}

func newPrepared() *prepared { return &prepared{byText: map[string]*sql.Stmt{}} }

// get compiles outside the lock, because that may wait for a free connection.
func (p *prepared) get(ctx context.Context, db database, text string) (*sql.Stmt, error) {
	p.mu.RLock()
	known, found := p.byText[text]
	p.mu.RUnlock()
	if found {
		return known, nil
	}
	fresh, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, found := p.byText[text]; found {
		_ = fresh.Close() // somebody was faster
		return known, nil
	}
	p.byText[text] = fresh
	return fresh, nil
}
