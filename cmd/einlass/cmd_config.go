package main

import "fmt"

type configCommands struct {
	Validate configValidate `cmd:"" help:"Check the configuration without connecting anywhere; print every problem."`
	Show     configShow     `cmd:"" help:"Print the configuration in force, without secrets."`
}

type configValidate struct{}

func (configValidate) Run(s *shell) error {
	loaded, err := loadConfig(configInput{file: s.configFile, environment: s.environment})
	if err != nil {
		return err
	}
	for _, warning := range loaded.Warnings {
		fmt.Fprintf(s.stderr, "warning: %s\n", warning)
	}
	_, err = fmt.Fprintln(s.stdout, "the configuration is valid")
	return err
}

type configShow struct {
	Sources bool `help:"Say where each value comes from."`
}

func (c configShow) Run(s *shell) error {
	loaded, err := loadConfig(configInput{file: s.configFile, environment: s.environment})
	if err != nil {
		return err
	}
	return writeConfig(s.stdout, loaded.entries, c.Sources)
}
