package maildir

import "strings"

// customary names of folders with a role (RFC 6154), the default first; compared
// without case and also below INBOX, where Courier puts them.
var customary = map[string][]string{
	"Drafts":  {"Drafts", "Draft", "postponed", "Entwürfe", "Brouillons", "Borradores", "Bozze", "Concepten"},
	"Sent":    {"Sent", "Sent Items", "Sent Messages", "Sent Mail", "sent-mail", "Gesendet", "Gesendete Objekte", "Envoyés", "Enviados", "Inviata", "Verzonden"},
	"Trash":   {"Trash", "Deleted Items", "Deleted Messages", "Deleted", "Bin", "Papierkorb", "Corbeille", "Papelera", "Cestino", "Prullenbak"},
	"Archive": {"Archive", "Archives", "All Mail", "Archiv", "Archivo", "Archivio", "Archief"},
	"Junk":    {"Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail", "Indésirables", "Ongewenst"},
}

// SpecialFolder returns the name of the folder that has the role ("Drafts",
// "Sent", "Trash", "Archive", "Junk"): an existing one by its customary name,
// else the name to create it under.
func SpecialFolder(s *Store, role string) string {
	names := customary[role]
	if names == nil {
		return role
	}
	folders, err := s.Folders()
	if err != nil {
		return role
	}
	if name, ok := roleOf(folders, names); ok {
		return name
	}
	return role
}

func roleOf(folders []*Folder, names []string) (string, bool) {
	for _, want := range names {
		for _, f := range folders {
			name := strings.TrimPrefix(f.name, inbox+"/")
			name = strings.TrimPrefix(name, "[Gmail]/")
			if strings.EqualFold(name, want) {
				return f.name, true
			}
		}
	}
	return "", false
}

// Roles returns the roles of those folders that [SpecialFolder] would name, by their names.
func Roles(folders []*Folder) map[string]string {
	roles := map[string]string{}
	for role, names := range customary {
		if name, ok := roleOf(folders, names); ok {
			roles[name] = role
		}
	}
	return roles
}
