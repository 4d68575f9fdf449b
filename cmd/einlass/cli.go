package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"
)

// commands is the grammar of the command line. Flags of this struct may stand
// before or after the sub-command.
type commands struct {
	Config string `placeholder:"FILE" help:"Configuration file. Default: einlass.yaml if there is one."`

	Serve       serveCommand       `cmd:"" help:"Run the server."`
	Demo        demoCommand        `cmd:"" help:"Run everything on throw-away data, with a simulated Personio."`
	Simulate    simulateCommands   `cmd:"" help:"Run a simulator."`
	Import      importCommands     `cmd:"" help:"Import people."`
	Users       usersCommands      `cmd:"" help:"List people and change their access."`
	Groups      groupsCommands     `cmd:"" help:"List groups and their members."`
	Apps        appsCommands       `cmd:"" help:"List and add applications."`
	Keys        keysCommands       `cmd:"" help:"List and rotate the signing keys."`
	ConfigCheck configCommands     `cmd:"" name:"config" help:"Check and show the configuration."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database up to date."`
	Audit       auditCommands      `cmd:"" help:"Check the event log."`
	Admin       adminCommands      `cmd:"" help:"Last resorts."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running server whether it is ready, for containers."`
	Version     versionCommand     `cmd:"" help:"Print version and build."`
}

// shell is what a command talks to: its streams, the environment, and the file
// named by --config.
type shell struct {
	configFile  string
	environment []string
	stdin       io.Reader
	stdout      io.Writer
	stderr      io.Writer
	bar         *bar // nil: nobody watches
}

// errHelp ends parsing after the help text was printed.
var errHelp = errors.New("help was printed")

// run is the program without the process around it. Results go to stdout,
// everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environment []string) exitCode {
	var grammar commands
	parser, err := kong.New(&grammar,
		kong.Name("einlass"),
		kong.Description("Identity provider for companies that run on Personio."),
		kong.Writers(stdout, stderr),
		kong.Help(func(options kong.HelpOptions, at *kong.Context) error {
			if err := kong.DefaultHelpPrinter(options, at); err != nil {
				return err
			}
			return errHelp
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the grammar is broken
	}
	parsed, err := parser.Parse(args)
	switch {
	case errors.Is(err, errHelp):
		return exitOK
	case err != nil:
		err = usageError{fmt.Errorf("%w; see einlass --help", err)}
	default:
		sh := &shell{configFile: grammar.Config, environment: environment, stdin: stdin, stdout: stdout, stderr: stderr}
		parsed.BindTo(ctx, (*context.Context)(nil))
		err = parsed.Run(sh)
	}
	if err != nil {
		fmt.Fprintf(stderr, "einlass: %v\n", err)
	}
	return exitCodeOf(err)
}

// load reads the configuration, with what flags say on top, and says what is
// worth a warning.
func (s *shell) load(flags map[string]string) (Config, *slog.Logger, error) {
	loaded, err := loadConfig(configInput{file: s.configFile, environment: s.environment, flags: flags})
	if err != nil {
		return Config{}, nil, err
	}
	log := newLogger(loaded.Log, s.stderr)
	for _, warning := range loaded.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	return loaded.Config, log, nil
}

// with opens the directory for work and closes it again. The file's declared
// objects are in place before work begins, as they are for the server, and so
// are the members of groups whose rules have changed.
func (s *shell) with(ctx context.Context, work func(a *app) error) error {
	cfg, log, err := s.load(nil)
	if err != nil {
		return err
	}
	a, err := openApp(ctx, cfg, appOptions{Logger: log, Bar: s.bar})
	if err != nil {
		return err
	}
	a.regroup(ctx)
	return errors.Join(work(a), a.Close())
}

// watching returns a shell whose commands show on a terminal how far their import
// is. Who asks for JSON is a program and sees nothing of it.
func (s *shell) watching(format string) *shell {
	if format == formatJSON || !leadsToTerminal(s.stderr) {
		return s
	}
	watched := *s
	watched.bar = &bar{w: s.stderr}
	watched.stderr = watched.bar
	return &watched
}

// newLogger returns a logger that writes text for people and JSON for machines.
func newLogger(cfg LogConfig, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == logText || cfg.Format == logAuto && leadsToTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// leadsToTerminal reports whether a person reads what is written to w.
func leadsToTerminal(w io.Writer) bool {
	if b, ok := w.(*bar); ok {
		w = b.w
	}
	f, _ := w.(*os.File)
	return isTerminal(f)
}

// isTerminal reports whether a person sits at f; at no file nobody does.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
