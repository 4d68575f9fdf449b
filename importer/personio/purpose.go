package personio

import "context"

// purpose is what is read, which decides how many requests a second may be sent for
// it. All requests that a read causes have its purpose.
type purpose int

// The purposes. The first is that of whatever says nothing.
const (
	ofSomebody purpose = iota // certain people, who may have left: as many as Personio allows
	ofEverybody
	ofChanges
)

type purposeKey struct{}

func withPurpose(ctx context.Context, p purpose) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

func purposeOf(ctx context.Context) purpose {
	p, _ := ctx.Value(purposeKey{}).(purpose) // ofSomebody
	return p
}

// pace keeps the requests of all purposes together below Personio's limits. A read
// of changes keeps to a tenth of them, and one of everybody leaves a tenth to the
// people who cannot wait for its end.
type pace struct {
	all, everybody, changes pacer
	bursts                  bool // the API says how many requests it would take at once
	credit                  credit
}

func newPace(cfg Config, api protocol) *pace {
	return &pace{
		bursts:    api.bursts,
		all:       pacer{off: cfg.Unpaced, limits: api.limits},
		everybody: pacer{off: cfg.Unpaced, limits: api.listLimits},
		changes:   pacer{off: cfg.Unpaced, limits: api.changesLimits},
	}
}

// wait returns when the next request of a purpose may be sent to an endpoint.
func (p *pace) wait(ctx context.Context, endpoint string) error {
	switch purposeOf(ctx) {
	case ofSomebody:
		if p.bursts && p.credit.take(endpoint) {
			p.all.count()
			return ctx.Err()
		}
	case ofEverybody:
		if err := p.everybody.wait(ctx); err != nil {
			return err
		}
	case ofChanges:
		if err := p.changes.wait(ctx); err != nil {
			return err
		}
	}
	return p.all.wait(ctx)
}
