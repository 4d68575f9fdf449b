package personiotest

type department struct {
	name, costCenter string
	positions        []string
}

type site struct{ office, company string }

var departments = []department{
	{"Engineering", "4100 Engineering", []string{"Software Engineer", "Senior Software Engineer", "Quality Engineer", "Data Engineer", "Site Reliability Engineer"}},
	{"Sales", "5100 Sales", []string{"Account Executive", "Sales Development Representative", "Key Account Manager", "Sales Engineer"}},
	{"Customer Success", "5200 Customer Success", []string{"Customer Success Manager", "Support Specialist", "Onboarding Consultant"}},
	{"Production", "4500 Production", []string{"Machine Operator", "Shift Supervisor", "Process Engineer", "Technician"}},
	{"Marketing", "5300 Marketing", []string{"Content Manager", "Brand Designer", "Performance Marketer", "Event Manager"}},
	{"Finance", "2100 Finance", []string{"Accountant", "Controller", "Payroll Specialist", "Treasury Analyst"}},
	{"People & Culture", "2200 People & Culture", []string{"HR Business Partner", "Recruiter", "People Operations Specialist"}},
	{"IT", "2300 IT", []string{"Systems Engineer", "IT Support Specialist", "Security Engineer", "Network Engineer"}},
	{"Logistics", "4600 Logistics", []string{"Warehouse Operator", "Supply Chain Planner", "Forklift Driver"}},
	{"Legal", "2400 Legal", []string{"Legal Counsel", "Data Protection Officer", "Contract Manager"}},
}

var sites = []site{
	{"Berlin", "Acme GmbH"}, {"Hamburg", "Acme GmbH"}, {"München", "Acme GmbH"}, {"Köln", "Acme GmbH"},
	{"Wien", "Acme Österreich GmbH"}, {"Zürich", "Acme Schweiz AG"},
	{"Kraków", "Acme Polska Sp. z o.o."}, {"Lisboa", "Acme Portugal, Lda."},
}

var equipment = []string{"Laptop", "Phone", "Key card"}

var firstNames = []string{
	"Anna", "Björn", "Carla", "David", "Elif", "Felix", "Greta", "Hannes", "Ines", "Jonas",
	"Käthe", "Lukas", "Marie", "Nils", "Olga", "Paul", "Ronja", "Sören", "Tim", "Ursula",
	"Volker", "Wiebke", "Yannick", "Zoë", "Jürgen", "Jörg", "Günther", "Hélène", "Sofia", "Mateusz",
	"Agnieszka", "Łukasz", "Zuzana", "João", "Inês", "Renée", "François", "Siobhán", "Connor", "Aisling",
	"Mehmet", "Ayşe", "Gökhan", "Şeyma", "Priya", "Arjun", "Ananya", "Wei", "Yuki", "Haruto",
	"Fatima", "Omar", "Layla", "Chidi", "Ngozi", "Kwame", "Ana María", "José", "Núria", "Ilse",
	"Birgit", "Dieter", "Heike", "Katharina", "Maximilian", "Charlotte", "Emil", "Frieda", "Leonie", "Moritz",
	"Oskar", "Pauline", "Rosa", "Theo", "Valentina", "Bjørn", "Åsa", "Dragana", "Vuk", "Ewa",
}

var lastNames = []string{
	"Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz", "Hoffmann",
	"Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Schröder", "Neumann", "Schwarz", "Zimmermann",
	"Braun", "Krüger", "Hofmann", "Hartmann", "Lange", "Krause", "Lehmann", "Köhler", "Maier", "Huber",
	"Kaiser", "Fuchs", "Peters", "Lang", "Scholz", "Möller", "Weiß", "Jung", "Hahn", "Schubert",
	"Vogel", "Friedrich", "Keller", "Günther", "Frank", "Berger", "Winkler", "Roth", "Beck", "Lorenz",
	"Öztürk", "Yılmaz", "Çelik", "Şahin", "Kowalski", "Wójcik", "Nowak", "Łukaszewska", "Novák", "Dvořáková",
	"Silva", "Gonçalves", "García", "Núñez", "O'Connor", "Ní Bhriain", "Lefèvre", "Dubois", "Rossi", "Esposito",
	"Nguyễn", "Trần", "Wang", "Sato", "Tanaka", "Patel", "Sharma", "Okafor", "Mensah", "Haddad",
	"Lindström", "Sørensen", "Jovanović", "Petrović", "Großmann", "von Ahlefeld", "Oberhuber", "Straßer", "Grünwald", "Jäger",
}
