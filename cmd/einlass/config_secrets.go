package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/einlass/einlass/keys"
)

// maxSecretBytes is the largest file that is read as a secret.
const maxSecretBytes = 64 << 10

// secretFiles reads the files that a key such as client_secret_file names in the configuration.
func (l *loader) secretFiles(m member, path string, v value) {
	files, err := nodeTexts(m.node, v.kind())
	if err != nil {
		l.failFile(l.at(m.key), path, "%v", err)
		return
	}
	l.secretFromFiles(files, path, v, l.at(m.key))
}

// secretFromFiles sets v to the content of files. Others than the owner should
// not be able to read them, which is only a warning: what mounts secrets into
// containers often leaves no choice.
func (l *loader) secretFromFiles(files []string, path string, v value, from origin) {
	secrets := make([]string, 0, len(files))
	for i, file := range files {
		if v.kind() == kindSecretMapping && i%2 == 0 {
			secrets = append(secrets, file) // the name before it
			continue
		}
		text, err := readLimited(file, maxSecretBytes)
		if err != nil {
			l.failFile(from, path, "%v", err)
			return
		}
		secret := trimNewline(string(text))
		if secret == "" {
			l.failFile(from, path, "%s is empty", file)
			return
		}
		secrets = append(secrets, secret)
		l.warnReadable(file, path+"_file", from)
	}
	if err := v.parse(secrets); err != nil {
		l.failFile(from, path, "%v", err)
		return
	}
	l.record(path, v, from)
}

// failFile notes a problem with the file behind a key, which leaves the key itself without a value.
func (l *loader) failFile(from origin, path, format string, args ...any) {
	l.failed[path] = true
	l.failAt(from, path+"_file", format, args...)
}

// trimNewline takes one newline off the end, which editors and echo leave there.
func trimNewline(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}

// readLimited reads a file of at most limit bytes.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB", name, limit>>10)
	}
	return text, nil
}

// openToOthers reports whether group or world may read or write a file.
func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o066 != 0 }

func (l *loader) warnReadable(file, path string, from origin) {
	if info, err := os.Stat(file); err == nil && openToOthers(info) {
		p := problem{from, path, fmt.Sprintf("%s is open to others (mode %04o); make it 0600", file, info.Mode().Perm())}
		l.warnings = append(l.warnings, p.String())
	}
}

// checkReadable refuses a configuration file with secrets in it and a master
// key file when others can read them: everything else follows from these.
func (l *loader) checkReadable() {
	if l.inlineSecrets {
		l.checkConfigMode()
	}
	if l.cfg.MasterKeyFile != "" {
		opts := keys.MasterKeyOptions{AllowReadable: l.cfg.InsecureAllowReadableSecrets}
		if _, err := keys.LoadMasterKey(l.cfg.MasterKeyFile, opts); err != nil {
			l.fail("master_key_file", "%v", err)
		}
		l.warnReadable(l.cfg.MasterKeyFile, "master_key_file", l.originOf("master_key_file"))
	}
	if l.cfg.TLS.KeyFile != "" {
		l.warnReadable(l.cfg.TLS.KeyFile, "tls.key_file", l.originOf("tls.key_file"))
	}
}

func (l *loader) checkConfigMode() {
	info, err := os.Stat(l.file)
	from := origin{name: l.file}
	switch {
	case err != nil:
		l.failAt(from, "", "%v", err)
	case !openToOthers(info):
	case l.cfg.InsecureAllowReadableSecrets:
		l.warnReadable(l.file, "", from)
	default:
		l.failAt(from, "", "holds secrets and is open to others (mode %04o); make it 0600, or move the secrets to files of their own", info.Mode().Perm())
	}
}
