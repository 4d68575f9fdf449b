package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

type demoCommand struct {
	showFlags
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address of Einlass; the simulator takes the next port. A taken port is replaced by the next free one. Default: ${default}."`
	People int    `default:"1200" help:"People in the simulated company. Default: ${default}."`
	Data   string `placeholder:"DIR" help:"Keep the data in this folder. Default: a folder that is thrown away."`
}

// Run reads no configuration: the demo has its own.
func (c demoCommand) Run(ctx context.Context, s *shell) error {
	log := newLogger(LogConfig{Format: logAuto}, s.stderr)
	options := demoOptions{Listen: c.Listen, People: c.People, Data: c.Data, JSON: c.Output == formatJSON}
	return demo(ctx, options, s.stdout, log)
}

type simulateCommands struct {
	Personio simulatePersonio `cmd:"" help:"Run a simulated Personio: API and web app."`
}

type simulatePersonio struct {
	showFlags
	personiotest.Flags
	Listen string `default:"127.0.0.1:8081" placeholder:"ADDR" help:"Address of the simulator. Default: ${default}."`
}

// simulationJSON is what scripts need to use the simulator.
type simulationJSON struct {
	Personio     string `json:"personio"` // start page of the web app
	API          string `json:"api"`      // base_url of an import
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

func (c simulatePersonio) Run(ctx context.Context, s *shell) error {
	if _, _, err := parseListen(c.Listen); err != nil {
		return err
	}
	listener, err := listen(c.Listen)
	if err != nil {
		return err
	}
	url := "http://" + localAddress(listener.Addr().String())
	server, err := c.server(url)
	if err != nil {
		return errors.Join(usageError{err}, listener.Close())
	}
	if err := c.announce(s, url, server); err != nil {
		return errors.Join(err, listener.Close())
	}
	return serveSimulator(ctx, server, listener)
}

// server invents the company whose web app browsers reach at url.
func (c simulatePersonio) server(url string) (*personiotest.Server, error) {
	cfg, err := c.Flags.Config()
	if err != nil {
		return nil, err
	}
	if rp, configured := c.Flags.RelyingParty(url); configured {
		cfg.RelyingParty = &rp
	}
	return personiotest.New(cfg)
}

func (c simulatePersonio) announce(s *shell, url string, server *personiotest.Server) error {
	id, secret := server.Credentials()
	if c.Output == formatJSON {
		return writeJSONLine(s.stdout, simulationJSON{url + "/", url, id, secret.Reveal()})
	}
	_, err := fmt.Fprintf(s.stdout, `Simulated Personio with %d people. Stop with Ctrl-C.

  Web app        %s/
  API            %s
  Client id      %s
  Client secret  %s
`, len(server.People()), url, url, id, secret.Reveal())
	return err
}
