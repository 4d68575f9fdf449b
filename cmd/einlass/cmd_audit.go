package main

import (
	"context"
	"fmt"
)

type auditCommands struct {
	Verify         auditVerify         `cmd:"" help:"Prove that no event was changed or removed."`
	Offboarding    auditOffboarding    `cmd:"" help:"Show how and when people lost their access, hop by hop, signed."`
	VerifyEvidence auditVerifyEvidence `cmd:"" help:"Check records of audit offboarding against their signatures and the event log."`
}

type auditVerify struct{ showFlags }

func (c auditVerify) Run(ctx context.Context, s *shell) error {
	return s.with(ctx, func(a *app) error {
		events, err := a.Directory.VerifyLog(ctx)
		if err != nil {
			return err
		}
		if c.Output == formatJSON {
			return writeJSON(s.stdout, map[string]int64{"events": events})
		}
		_, err = fmt.Fprintf(s.stdout, "%d events, none changed or removed\n", events)
		return err
	})
}
