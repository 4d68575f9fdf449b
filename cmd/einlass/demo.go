package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	Listen string // of Einlass; the simulator takes the next free port
	People int
	Data   string // empty: a folder that is thrown away
	JSON   bool   // print what the demo offers as one line of JSON
}

const (
	demoApplication = "personio"
	demoSchedule    = time.Minute // so that a change shows while one watches even if no webhook told of it
	demoSeed        = 1
)

// demo runs the whole house on throw-away data beside a simulated Personio,
// and prints how to get in. Two host names are used on purpose: localhost for us,
// 127.0.0.1 for Personio, because what happens between sites only shows between two.
func demo(ctx context.Context, opts demoOptions, out io.Writer, log *slog.Logger) (err error) {
	public, err := listenNear(opts.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = public.Close() }() // closed already after a graceful stop
	hr, err := openSimulation(public.Addr(), opts.People)
	if err != nil {
		return err
	}
	defer func() { _ = hr.listener.Close() }() // as above
	if opts.Data == "" {
		if opts.Data, err = os.MkdirTemp("", "einlass-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(opts.Data)) }()
	}
	if err := claimFolder(opts.Data); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveSimulator(groupCtx, hr.Server, hr.listener) })
	group.Go(func() error {
		cfg := demoConfig(issuerAt(public.Addr()), opts.Data, hr)
		s, err := openServer(groupCtx, cfg, public, log)
		if err != nil {
			return err
		}
		offer, err := furnish(groupCtx, s, hr)
		if err != nil {
			return errors.Join(err, s.close())
		}
		if err := offer.print(out, opts.JSON); err != nil {
			return errors.Join(err, s.close())
		}
		return errors.Join(s.run(groupCtx), s.close())
	})
	return group.Wait()
}

// fileDemo marks a data folder as one of a demo.
const fileDemo = "demo"

// errNotDemo refuses to disable what real people use, and to invent colleagues for them.
var errNotDemo = errors.New("holds a directory that is not of a demo")

// claimFolder makes a folder the demo's, unless somebody else's directory is in it.
func claimFolder(folder string) error {
	mark := filepath.Join(folder, fileDemo)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(folder, fileDirectory)); err == nil {
		return fmt.Errorf("%s %w", folder, errNotDemo)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o600)
}

// portsTried is how many ports after a taken one are tried.
const portsTried = 50

// listenNear listens at address or, if its port is taken, at the next free one.
func listenNear(address string) (*net.TCPListener, error) {
	host, port, err := parseListen(address)
	if err != nil {
		return nil, err
	}
	var first error
	for try := range portsTried {
		l, err := listen(net.JoinHostPort(host, strconv.Itoa(port+try)))
		if err == nil || port == 0 {
			return l, err
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

// parseListen takes the flag --listen apart.
func parseListen(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return "", 0, usagef("--listen: want host:port such as 127.0.0.1:8080, found %q", address)
	}
	return host, port, nil
}

func portOf(a net.Addr) int { return a.(*net.TCPAddr).Port }

// issuerAt is the demo's issuer for a listener.
func issuerAt(a net.Addr) string { return fmt.Sprintf("http://localhost:%d", portOf(a)) }

// simulation is a running simulated Personio.
type simulation struct {
	*personiotest.Server
	listener     *net.TCPListener
	url          string
	relyingParty personiotest.RelyingParty
	cast         cast
}

// cast are the people whom the demo plays with.
type cast struct {
	administrator personiotest.Email
	employee      personiotest.Email
}

// openSimulation invents a company and a Personio that signs in at the issuer of einlass.
func openSimulation(einlass net.Addr, people int) (*simulation, error) {
	listener, err := listenNear(net.JoinHostPort("127.0.0.1", strconv.Itoa(nextPort(portOf(einlass)))))
	if err != nil {
		return nil, err
	}
	s := &simulation{listener: listener, url: fmt.Sprintf("http://127.0.0.1:%d", portOf(listener.Addr()))}
	s.relyingParty = personiotest.FromIssuer(issuerAt(einlass))
	s.relyingParty.BaseURL = s.url
	s.relyingParty.ClientID = demoApplication
	s.relyingParty.ClientSecret = keys.NewSecret()
	s.Server, err = personiotest.New(personiotest.Config{People: people, Seed: demoSeed, RelyingParty: &s.relyingParty})
	if err == nil {
		s.cast, err = chooseCast(s.People())
	}
	if err != nil {
		return nil, errors.Join(usageError{err}, listener.Close())
	}
	return s, nil
}

// nextPort follows a port; after the last there is any free one.
func nextPort(port int) int {
	if port >= 65535 {
		return 0
	}
	return port + 1
}

// serveSimulator serves a simulated Personio, which tells webhooks of changes, until ctx ends.
func serveSimulator(ctx context.Context, hr *personiotest.Server, l net.Listener) error {
	server := &http.Server{Handler: hr.Handler(), ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nothing of it is worth waiting for
	defer stop()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		hr.RunDeliveries(groupCtx)
		return nil
	})
	group.Go(func() error { return serveOn(server, l) })
	return group.Wait()
}

// demoConfig is what an administrator would write for this company.
func demoConfig(issuer, data string, hr *simulation) Config {
	cfg := defaultConfig()
	cfg.Issuer, cfg.Data, cfg.ManagementListen = issuer, data, ""
	cfg.InsecureAllowLoopback = true
	cfg.Organization.Name = hr.Name
	signIn := defaultSignIn()
	signIn.ClientID = hr.relyingParty.ClientID
	signIn.ClientSecrets = []keys.Secret{hr.relyingParty.ClientSecret}
	signIn.AuthMethod = users.AuthMethodPost
	signIn.RedirectURIs = hr.relyingParty.RedirectURIs()
	signIn.Claims = map[string]string{"email": users.AttributeEmail}
	signIn.IDTokenClaims = []string{"email"}
	source := defaultImport()
	source.Schedule = demoSchedule
	source.Personio = defaultPersonio()
	source.Personio.BaseURL = hr.url
	source.Personio.ClientID, source.Personio.ClientSecret = hr.Credentials()
	source.Webhook = &WebhookConfig{Register: true}
	app := defaultApplication()
	app.ID, app.Label, app.Groups = demoApplication, "Personio", []string{string(users.Everyone)}
	app.Description = "Urlaub, Dokumente, Gehaltsabrechnungen"
	app.Launch = &LaunchConfig{URL: hr.relyingParty.LaunchURL()}
	app.SignIn, app.Import = signIn, source
	cfg.Applications = []ApplicationConfig{app}
	return cfg
}

// account is how somebody signs in to the demo.
type account struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// offer is what the demo prints.
type offer struct {
	Issuer        string  `json:"issuer"`
	Portal        string  `json:"portal"`
	Personio      string  `json:"personio"`
	API           string  `json:"api"`
	Administrator account `json:"administrator"`
	Employee      account `json:"employee"`
	people        int
	imported      time.Duration
}

// furnish imports everybody and gives two of them a password.
func furnish(ctx context.Context, s *server, hr *simulation) (offer, error) {
	started := time.Now()
	run, err := s.Imports.Run(ctx, importer.Request{Connection: demoApplication, Actor: users.ActorSystem})
	if err != nil {
		return offer{}, fmt.Errorf("first import: %w", err)
	}
	o := offer{
		Issuer: s.cfg.Issuer, Portal: s.cfg.Issuer + "/portal", Personio: hr.url + "/", API: hr.url,
		people: run.Counts.Created + run.Counts.Updated + run.Counts.Unchanged, imported: time.Since(started),
	}
	if o.Administrator, err = giveAccount(ctx, s, hr.cast.administrator, users.RoleOwner); err != nil {
		return offer{}, err
	}
	o.Employee, err = giveAccount(ctx, s, hr.cast.employee, users.RoleNone)
	return o, err
}

// chooseCast picks two active people: somebody of IT as administrator, and somebody else.
func chooseCast(people []personiotest.Employee) (cast, error) {
	var c cast
	for _, p := range people {
		switch {
		case p.Status != personiotest.Active || p.Email == "":
		case c.administrator == "" && strings.Contains(p.Department, "IT"):
			c.administrator = p.Email
		case c.employee == "":
			c.employee = p.Email
		}
	}
	if c.administrator == "" || c.employee == "" {
		return cast{}, errors.New("the company is too small for a demo: try more people")
	}
	return c, nil
}

func giveAccount(ctx context.Context, s *server, email personiotest.Email, role users.Role) (account, error) {
	u, err := s.Directory.Read().UserByLogin(ctx, users.KeyOf(string(email)))
	if err != nil {
		return account{}, fmt.Errorf("account for %s: %w", email, err)
	}
	password := strings.ToLower("demo-" + rand.Text()[:16])
	if err := s.Directory.SetPassword(ctx, users.ActorSystem, u.ID, keys.Secret(password)); err != nil {
		return account{}, err
	}
	if role != u.Role {
		if err := s.Directory.SetRole(ctx, users.ActorSystem, u.ID, role); err != nil {
			return account{}, err
		}
	}
	return account{Username: u.Username, Password: password}, nil
}

func (o offer) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(o)
	}
	_, err := fmt.Fprintf(out, `
Einlass runs for a make-believe company: %d people imported from a simulated Personio in %s.

  Portal              %s
  Simulated Personio  %s

  Employee            %s   %s
  Administrator       %s   %s

Two ways in, both end in Personio as that person:
  1. Open the simulated Personio and choose to sign in.
  2. Open the portal, sign in, choose the tile "Personio": no second prompt.

Changes in the simulated Personio arrive within seconds, by webhook. Stop with Ctrl-C.
`, o.people, o.imported.Round(time.Millisecond), o.Portal, o.Personio,
		o.Employee.Username, o.Employee.Password, o.Administrator.Username, o.Administrator.Password)
	return err
}
