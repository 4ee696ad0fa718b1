package gen

// A card is called by an adjective and a noun; 32 x 32 names are enough for
// the cards of all seasons.
var adjectives = [32]string{
	"Amber", "Ashen", "Brazen", "Crimson", "Dappled", "Ember", "Fabled", "Gilded",
	"Hollow", "Icebound", "Jaded", "Keen", "Lunar", "Mossy", "Nimble", "Obsidian",
	"Pale", "Quiet", "Restless", "Silver", "Thorned", "Umbral", "Verdant", "Wandering",
	"Ærial", "Young", "Zealous", "Burning", "Clever", "Drowned", "Eternal", "Frozen",
}

var nouns = [32]string{
	"Archer", "Badger", "Cartographer", "Drake", "Envoy", "Falcon", "Golem", "Heron",
	"Ibex", "Jester", "Kraken", "Lantern", "Mage", "Nomad", "Oracle", "Phœnix",
	"Queen", "Ranger", "Sphinx", "Tinker", "Urchin", "Viper", "Warden", "Wyrm",
	"Yeti", "Alchemist", "Basilisk", "Captain", "Druid", "Elk", "Ferryman", "Griffin",
}

// cardName returns the i-th name. 397 is odd, so that i*397 mod 1024 visits
// every pair once before it repeats.
func cardName(i int) string {
	i = i * 397 % (len(adjectives) * len(nouns))
	return adjectives[i/len(nouns)] + " " + nouns[i%len(nouns)]
}

var (
	firstNames = [...]string{"ada", "bao", "carmen", "dmitri", "elif", "farah", "goran", "hana", "ines", "jonas", "kofi", "lena", "mateo", "noor", "olga", "priya"}
	lastNames  = [...]string{"abara", "berg", "costa", "dubois", "eriksen", "fischer", "garcia", "haddad", "ito", "jansen", "kowalski", "lopez", "moreau", "novak", "okafor", "petrov"}
	countries  = [...]string{"DE", "FR", "NL", "ES", "US", "US", "GB", "JP"}
	artists    = [...]string{"M. Okonkwo", "Søren Dahl", "Lucía Prado", "T. Yamane", "R. Whitlock"}
	finishes   = [...]string{"matte", "matte", "gloss", "foil"}
	tags       = [...]string{"starter", "tournament", "promo", "alternate-art", "reprint"}
	pages      = [...]string{"/", "/new", "/series/second-dawn", "/search?q=foil", "/wishlist"}
	coupons    = [...]string{"SPRING10", "FRIENDS", "BOOSTER5"}
	browsers   = [...]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 Version/18.3 Mobile Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/134.0.0.0 Safari/537.36",
	}
	streets  = [...]string{"Harbour Street", "Rue des Lilas", "Lindenallee", "Calle Mayor", "Mill Lane", "Østergade"}
	cities   = [...]string{"Rotterdam", "Lyon", "Leipzig", "Sevilla", "Portland", "Bristol", "Sapporo", "Århus"}
	partners = [...]string{"Cardhaven", "Pack & Play", "Kartenkiste"}
	notes    = [...]string{"gift wrap, please", "leave at the door", `sleeves "penny" if in stock`, "ring twice"}
)
