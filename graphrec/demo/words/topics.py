"""What products of the demo bank are about: topics with their own words, and places that tell sub-themes apart.

A theme shows in the wording alone. No file of the bank names it, so that only the text can reveal it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """One subject: how a product name calls it, and the phrases that its descriptions draw from."""

    label: str
    phrases: tuple[str, ...]


def _topic(label: str, phrases: str) -> Topic:
    return Topic(label, tuple(phrase.strip() for phrase in phrases.split(";")))


TOPICS: tuple[Topic, ...] = (
    _topic(
        "Clean Water",
        "safe drinking water; pumps and filters for wells; the restoration of rivers; leak detection in water mains;"
        "desalination of sea water; rainwater tanks for dry towns",
    ),
    _topic(
        "Ageing Society",
        "care homes for the elderly; hearing aids and walking frames; nurses who visit pensioners at home;"
        "retirement villages; medicine for old age; step-free flats for grandparents",
    ),
    _topic(
        "Cyber Security",
        "protection against hackers; encryption of messages; firewalls for offices; stolen-password alarms;"
        "identity checks on the internet; data centres that withstand computer attacks",
    ),
    _topic(
        "Green Buildings",
        "well-insulated houses; heat pumps in old apartment blocks; offices built of timber; triple-glazed windows;"
        "low-energy renovation of housing; roofs planted with grass",
    ),
    _topic(
        "Family Protection",
        "security for parents with small children; an income for the family when a breadwinner dies;"
        "help for widows and orphans; childcare while a parent is ill; a nest egg for every newborn;"
        "support for single mothers and fathers",
    ),
    _topic(
        "Solar Power",
        "solar panels on barns and roofs; photovoltaic parks; sunlight turned into electricity; inverters for panels;"
        "sun-powered irrigation; solar lamps for villages without a grid",
    ),
    _topic(
        "Wind Energy",
        "wind farms at sea; turbine blades and towers; ships that set up wind turbines; windmills on hilltops;"
        "gearboxes of wind turbines; power from steady coastal winds",
    ),
    _topic(
        "Robotics",
        "robot arms on assembly lines; warehouse robots; sensors that give robots touch; robots that weld and paint;"
        "machines that work beside people; motors and joints for robots",
    ),
    _topic(
        "Healthy Food",
        "organic vegetables; bread without additives; fresh meals for school canteens; nutrition advice;"
        "less sugar in drinks and snacks; plant-based meat and milk",
    ),
    _topic(
        "Satellites",
        "rockets and launch pads; satellites in low orbit; pictures of the Earth from space; ground antennas;"
        "navigation signals from orbit; the removal of space debris",
    ),
    _topic(
        "Rail Travel",
        "night trains between capitals; high-speed railway lines; new carriages for commuters; railway signals;"
        "station halls and platforms; electric locomotives for freight",
    ),
    _topic(
        "Living Forests",
        "woodland planted with oak and beech; sustainable timber harvests; tree nurseries; forest wardens;"
        "protection of trees from beetles and fire; old-growth forest reserves",
    ),
    _topic(
        "Blue Oceans",
        "coral reefs; nets that spare young fish; plastic fished out of the sea; seaweed farms; marine reserves;"
        "research ships that study whales and currents",
    ),
    _topic(
        "Education",
        "schools and teachers; textbooks for every pupil; evening classes for adults; university scholarships;"
        "classrooms with good light; language courses and exams",
    ),
    _topic(
        "Sports",
        "football pitches and running tracks; swimming pools; training for young athletes; climbing halls;"
        "sportswear and running shoes; gyms in every district",
    ),
    _topic(
        "Stage and Music",
        "concert halls and orchestras; theatre companies; instruments for young musicians; opera on tour;"
        "recording studios; summer music festivals",
    ),
    _topic(
        "Video Games",
        "studios that write computer games; game consoles; online tournaments of players; virtual-reality headsets;"
        "puzzle games for the phone; graphics engines for games",
    ),
    _topic(
        "Electric Driving",
        "electric cars and vans; charging points along motorways; car batteries with a long range;"
        "battery factories; delivery fleets without exhaust; second lives for used car batteries",
    ),
    _topic(
        "Gene Medicine",
        "gene therapy for inherited diseases; DNA sequencing; vaccines built from genetic code; cancer drugs made to"
        " measure; laboratories that edit genes; blood tests that find rare mutations",
    ),
    _topic(
        "Happy Pets",
        "veterinary clinics for dogs and cats; pet food; animal shelters; collars that find a lost cat;"
        "dog training schools; operations for sick pets",
    ),
    _topic(
        "Vineyards",
        "grapes grown on steep slopes; cellars and oak barrels; wine cooperatives; young winemakers; sparkling wine;"
        "vines that need no spraying",
    ),
    _topic(
        "Precious Metals",
        "gold bars in a vault; silver coins; platinum and palladium; refineries for gold; jewellery made of old gold;"
        "mines that dig gold without mercury",
    ),
    _topic(
        "Farm Land",
        "fields of wheat and barley; tractors steered by satellite; barns and grain silos; hedges between fields;"
        "crop rotation and healthy soil; young farmers who take over a farm",
    ),
    _topic(
        "Recycling",
        "waste sorted and used again; scrap metal melted into new steel; glass and paper collection;"
        "repair shops instead of rubbish; packaging that can be refilled; plastic bottles turned into fibres",
    ),
    _topic(
        "Thinking Machines",
        "artificial intelligence in factories; machine translation; software that recognises pictures;"
        "neural networks; chatbots that answer questions; computers that learn from examples",
    ),
    _topic(
        "Village Credit",
        "microcredit for market women; savings groups in villages; small loans for sewing machines and cows;"
        "cooperative banks in poor regions; tiny loans without collateral; bookkeeping lessons for street traders",
    ),
    _topic(
        "Women Founders",
        "start-ups led by women; female engineers and directors; women on company boards; mentors for businesswomen;"
        "venture money for women founders; equal pay for women and men",
    ),
    _topic(
        "First Home",
        "young couples who buy their first flat; building plots for families; deposits for first-time buyers;"
        "terraced houses in small towns; help with the notary and the deed; shared ownership of a first house",
    ),
    _topic(
        "Mountain Holidays",
        "hotels and huts in the mountains; ski lifts and cable cars; hiking trails; guides for climbing tours;"
        "snow-safe winter resorts; guest rooms on alpine farms",
    ),
    _topic(
        "Cycling",
        "bicycles and cargo bikes; cycle lanes; bicycle frames and gears; covered bike parking;"
        "electric bicycles for commuters; repair vans for cyclists",
    ),
    _topic(
        "Microchips",
        "semiconductor plants; silicon wafers; chip design; machines that print circuits with light; memory chips;"
        "clean rooms where processors are made",
    ),
    _topic(
        "Harbours",
        "container ports and cranes; tugs and pilots; quays and locks; ferries with a clean engine;"
        "warehouses beside the docks; shipyards that mend freighters",
    ),
    _topic(
        "Fair Fashion",
        "clothes sewn under fair conditions; organic cotton; second-hand dresses and coats; weaving mills;"
        "leather tanned without chrome; seamstresses paid a living wage",
    ),
    _topic(
        "Cinema",
        "feature films and documentaries; small-town cinemas; film studios; animated films for children;"
        "film archives; camera crews and cutting rooms",
    ),
    _topic(
        "Craft Workshops",
        "carpenters, potters and smiths; apprentices in the trades; hand-made furniture; shared craft workshops;"
        "tools that last; the repair of church organs and clocks",
    ),
    _topic(
        "Green Hydrogen",
        "hydrogen made by electrolysis; fuel cells; hydrogen pipelines; lorries that run on hydrogen;"
        "hydrogen-fired steel furnaces; tanks that hold liquid hydrogen",
    ),
    _topic(
        "Storm Resilience",
        "dykes against floods; storm warnings; roofs that stand a hurricane; rebuilding after hail and landslides;"
        "sandbags and pumps for the fire brigade; cover for damage by severe weather",
    ),
    _topic(
        "Bees and Meadows",
        "beekeepers and their hives; flowering meadows; insects that pollinate orchards; honey; wild bees and"
        " butterflies; seeds of wild flowers",
    ),
    _topic(
        "Better Sight",
        "spectacles and contact lenses; eye surgery by laser; opticians; tests that find glaucoma early;"
        "cataract operations; guide dogs and reading aids for the blind",
    ),
    _topic(
        "Fast Broadband",
        "fibre-optic cables; mobile phone masts; fast internet for villages; routers and modems;"
        "undersea data cables; video calls that do not stutter",
    ),
)

#: Larger banks tell many themes of one topic apart by a place, which the wording repeats.
PLACES: tuple[str, ...] = (
    *("Alpine", "Adriatic", "Aegean", "Amazon", "Andean", "Arctic", "Atlantic", "Baltic", "Balkan", "Bavarian"),
    *("Bohemian", "Burgundian", "Caribbean", "Carpathian", "Caspian", "Catalan", "Celtic", "Danube", "Flemish"),
    *("Frisian", "Himalayan", "Iberian", "Ionian", "Lakeland", "Lapland", "Mekong", "Midland", "Moravian", "Nile"),
    *("Nordic", "Pacific", "Polar", "Prairie", "Provencal", "Pyrenean", "Rhine", "Sahara", "Silesian", "Tuscan"),
)
