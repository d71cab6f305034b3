"""What columns are called that a rule of suitability speaks of, and how values are written: English, German, Chinese,
and French, Spanish, Italian, Dutch, Portuguese, Norwegian, Swedish, Danish and Polish where banks have a word for it.

Words are compared without case, signs, spaces and accents, and with umlauts written out; words of up to five letters
have to be words of their own in a name.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable

from graphrec.loading.propose.words import simplified, words

_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_SHORT = 5

CONCEPTS: dict[str, tuple[str, ...]] = {
    "consent": (
        *(
            "consent",
            "optin",
            "optedin",
            "permission",
            "gdpr",
            "agreed",
            "marketing",
            "newsletter",
            "contactpreference",
            "communicationpreference",
            "mailingpreference",
        ),
        *(
            "einwilligung",
            "einverstaendnis",
            "werbung",
            "einverstanden",
            "zustimmung",
            "erlaubnis",
            "werbungerlaubt",
            "dsgvo",
        ),
        *(
            "同意",
            "授权",
            "许可",
            "允许",
            "接受营销",
            "接收营销",
            "接受推送",
            "接收推送",
            "接受短信",
            "营销短信",
            "营销意愿",
        ),
        *(
            "consentement",
            "consentimiento",
            "consenso",
            "toestemming",
            "consentimento",
            "aceptapublicidad",
            "acceptepublicite",
            "autorizacion",
            "autorisation",
            "autorizzazione",
            "rgpd",
            "avg",
        ),
        *(
            "samtykke",
            "samtykker",
            "samtycke",
            "samtycker",
            "markedsføring",
            "markedsforing",
            "markedsfoering",
            "marknadsfoering",
            "marknadsforing",
            "suostumus",
            "zgoda",
            "souhlas",
        ),
    ),
    "objection": (
        *("optout", "optedout", "donotcontact", "donotcall", "nomarketing", "noadvertising", "consentwithdrawn"),
        *("dnd", "donotdisturb", "donotsolicit", "donotmail", "suppressed", "suppression", "unsubscribed"),
        *("widerspruch", "widerruf", "werbesperre", "werbeverbot", "kontaktsperre", "robinson", "keinewerbung"),
        *("werbeverzicht", "werbeverz", "kontaktverzicht", "verzichtaufwerbung"),
        *("不同意", "拒绝营销", "拒绝接收", "不接受", "不接收", "勿扰", "拒收", "免打扰", "撤回"),
        *(
            "opposition",
            "oposicion",
            "opposizione",
            "bezwaar",
            "refusepublicite",
            "nopublicidad",
            "bloctel",
            "exclusionpublicidad",
        ),
        *(
            "reservert",
            "reservasjon",
            "reserverad",
            "reservationmod",
            "frabedt",
            "reklamesperre",
            "reklamespärr",
            "sprzeciw",
        ),
    ),
    "blocked": (
        *("deceased", "blocked", "locked", "guardianship", "verstorben", "gesperrt", "sperrvermerk", "betreuung"),
        *("已故", "死亡", "冻结", "锁定"),
        *(
            "decede",
            "bloque",
            "fallecido",
            "bloqueado",
            "deceduto",
            "bloccato",
            "overleden",
            "geblokkeerd",
            "bajadefuncion",
            "incapacitado",
            "falecido",
        ),
    ),
    "relation": (
        *("customerstatus", "clientstatus", "relationshipstatus", "memberstatus", "accountstatus", "status"),
        *("kundenstatus", "kundestatus", "beziehungsstatus", "客户状态", "账户状态", "会员状态"),
        *("statutclient", "estadocliente", "statocliente", "klantstatus"),
    ),
    "sanctions": (
        "sanction",
        "embargo",
        "watchlist",
        "blacklist",
        "sanktion",
        "sperrliste",
        "制裁",
        "黑名单",
        *("sancion", "sanzion", "sanctie"),
    ),
    "pep": ("pep", "politicallyexposed", "politischexponiert", "politischexponierte", "政治公众", "政要"),
    "tolerance": (
        *("risktolerance", "riskappetite", "riskprofile", "riskcapacity", "riskclass", "risklevel", "riskcategory"),
        *("attitudetorisk", "maxrisk", "riskscore", "srimax", "maxsri", "sri", "srri"),
        *("riskrating", "risk", "risikotoleranz", "risikoneigung", "risikoprofil", "risikobereitschaft"),
        *("risikoklasse", "risikokategorie", "risikotyp", "risikostufe", "anlegerprofil", "anlegertyp", "risiko"),
        *("风险承受", "风险偏好", "风险等级", "风险级别", "风险类型", "风险评级", "风险测评"),
        *(
            "profilderisque",
            "profilrisque",
            "toleranceaurisque",
            "perfilderiesgo",
            "perfilriesgo",
            "toleranciaalriesgo",
            "profilodirischio",
            "profilorischio",
            "risicoprofiel",
            "perfilderisco",
            "profilinvestisseur",
            "perfilinversor",
            "classederisque",
            "risque",
            "riesgo",
            "rischio",
            "risico",
            "risco",
        ),
        *("riskprofil", "riskvillighet", "risikovillighet", "risikovillighed", "profilryzyka", "ryzyko"),
    ),
    "risk": (
        *(
            "riskclass",
            "riskometer",
            "riskindicator",
            "risklevel",
            "riskrating",
            "riskcategory",
            "srri",
            "sri",
            "rk",
            "risk",
        ),
        *("risikoklasse", "risikoindikator", "risikokennzahl", "risikostufe", "risikokategorie", "risiko"),
        *("风险等级", "风险级别", "风险评级", "产品风险", "风险"),
        *(
            "classederisque",
            "niveauderisque",
            "indicateurderisque",
            "risque",
            "nivelderiesgo",
            "claseriesgo",
            "riesgo",
            "classedirischio",
            "rischio",
            "risicoklasse",
            "risico",
            "classederisco",
            "risco",
        ),
        *("riskklass", "riskniva", "klasaryzyka", "ryzyko"),
    ),
    "horizon": (
        *("horizon", "investmentperiod", "anlagehorizont", "anlagedauer", "anlagezeitraum", "horizont"),
        *("投资期限", "投资年限", "期限偏好"),
        *("horizonte", "orizzonte", "beleggingshorizon", "dureeplacement", "plazoinversion"),
    ),
    "binding": (
        *("minhorizon", "horizon", "holdingperiod", "lockup", "minterm", "minimumterm"),
        *("mindestanlagedauer", "haltedauer", "mindestlaufzeit", "bindungsfrist", "bindung", "anlagehorizont"),
        *("持有期", "锁定期", "投资期限", "封闭期"),
    ),
    "end": (
        *("closedon", "endofsale", "salesend", "saleend", "offerend", "availableuntil", "validuntil", "delisted"),
        *(
            "discontinued",
            "withdrawnon",
            "withdrawn",
            "withdrawal",
            "closuredate",
            "retiredon",
            "lastsale",
            "expires",
            "expiry",
            "maturity",
            "closingdate",
            "closedtonew",
        ),
        *(
            "vertriebsende",
            "verkaufsende",
            "vertriebbis",
            "angebotsende",
            "zeichnungsende",
            "geschlossenam",
            "schliessung",
        ),
        *("gueltigbis", "verfuegbarbis", "eingestellt", "auslauf", "faelligkeit"),
        *("停售", "下架", "销售截止", "截止日期", "募集结束", "到期"),
        *(
            "findecommercialisation",
            "fincommercialisation",
            "datedefin",
            "echeance",
            "finventa",
            "findecomercializacion",
            "finecommercializzazione",
            "fineofferta",
            "eindeverkoop",
            "scadenza",
            "vencimiento",
        ),
        *(
            "sluttdato",
            "slutdatum",
            "slutdato",
            "utløpsdato",
            "utlopsdato",
            "salgsslutt",
            "foersaeljningsslut",
            "datazakonczenia",
        ),
    ),
    "offered": (
        *(
            "status",
            "onsale",
            "forsale",
            "available",
            "availability",
            "active",
            "tradable",
            "sellable",
            "opento",
            "comercializable",
            "commercialisable",
            "commerciabile",
        ),
        *("offered", "offering", "incatalogo", "encatalogo", "aucatalogue", "nelcatalogo", "productstatus"),
        *("opennew", "newbusiness", "newmoney", "acceptsnew", "lifecycle", "state"),
        *("vertriebskennzeichen", "vertriebskz", "verkaufskennzeichen", "verkaufsstatus", "subscriptionstatus"),
        *("vertriebsstatus", "imvertrieb", "aktiv", "verfuegbar", "lieferbar", "handelbar"),
        *("状态", "在售", "可售", "上架", "有效"),
        *(
            "statut",
            "estado",
            "stato",
            "encours",
            "enventa",
            "disponible",
            "disponibile",
            "actif",
            "activo",
            "attivo",
            "actief",
            "beschikbaar",
            "comercializado",
            "commercialise",
        ),
    ),
    "withdrawn": (
        "closed",
        "withdrawn",
        "inactive",
        "discontinued",
        "suspended",
        "retired",
        "obsolete",
        "restricted",
        "notforsale",
        "auslaufmodell",
        "geschlossen",
        "gesperrt",
        "inaktiv",
        "停售",
        "下架",
        *("ferme", "cerrado", "descatalogado", "chiuso", "gesloten", "descontinuado", "encerrado"),
    ),
    "least age": (
        "minage",
        "minimumage",
        "agefrom",
        "mindestalter",
        "alterab",
        "altervon",
        "最低年龄",
        "最小年龄",
        *(
            "ageminimum",
            "ageminimal",
            "agemini",
            "edadminima",
            "edadmin",
            "etaminima",
            "minimumleeftijd",
            "idademinima",
        ),
        *("aldersgrense", "aldersgraense", "aldersgraens", "minstealder", "minimumsalder", "wiekminimalny"),
    ),
    "most age": (
        "maxage",
        "maximumage",
        "hoechstalter",
        "alterbis",
        "最高年龄",
        "最大年龄",
        *("agemaximum", "agemaxi", "edadmaxima", "etamassima", "maximumleeftijd", "idademaxima"),
    ),
    "born": (
        *("bornby", "birthdate", "dateofbirth", "birthday", "born", "birth", "dob"),
        *("geburtsdatum", "geburtstag", "gebdatum", "gebdat", "geboren", "出生", "生日"),
        *(
            "datedenaissance",
            "naissance",
            "fechadenacimiento",
            "fechanacimiento",
            "fnacimiento",
            "nacimiento",
            "datadinascita",
            "nascita",
            "geboortedatum",
            "datadenascimento",
            "nascimento",
        ),
        *("fødselsdato", "fodselsdato", "foedselsdato", "foedelsedatum", "fodelsedatum", "fødselsdag", "dataurodzenia"),
    ),
    "birth year": ("birthyear", "yearofbirth", "geburtsjahr", "出生年"),
    "age": (
        "age",
        "alter",
        "lebensalter",
        "年龄",
        *("edad", "eta", "leeftijd", "idade"),
        *("fødselsar", "fodselsar", "foedelsear", "fodelsear", "rokurodzenia"),
        *("alder", "wiek"),
    ),
    "residence": (
        *("countryofresidence", "residencecountry", "residence", "domicile", "country"),
        *("wohnsitzland", "wohnsitz", "wohnland", "land", "staat", "居住国", "居住地", "国家", "常住"),
        *(
            "paysderesidence",
            "residencefiscale",
            "paisderesidencia",
            "paesediresidenza",
            "woonland",
            "paisresidencia",
            "pays",
            "pais",
            "paese",
        ),
        *("bosted", "bostedsland", "bopael", "kraj"),
    ),
    "residents": (
        *("residentsof", "residents", "distributioncountr", "salescountr", "allowedcountr", "countriesofsale"),
        *("availablein", "marketcountr", "vertriebslaender", "vertriebsland", "zulassungsland", "zulassungslaender"),
        *("zugelassenin", "zielland", "可售国家", "可售地区", "销售地区", "销售区域", "适用地区"),
        *("paysdecommercialisation", "paisesdeventa", "paesidivendita", "verkooplanden"),
    ),
    "means": (
        *("liquidassets", "liquidity", "availablefunds", "disposable", "cashbalance"),
        *("liquidesvermoegen", "liquiditaet", "verfuegbaresvermoegen", "freiesvermoegen", "anlagebetrag"),
        *("流动资产", "可用资金", "可投资产", "可投资资产"),
        *(
            "liquidites",
            "patrimoinefinancier",
            "activosliquidos",
            "patrimoniofinanciero",
            "liquidita",
            "patrimonioliquido",
            "vrijvermogen",
        ),
    ),
    "minimum": (
        *(
            "minimumamount",
            "minamount",
            "minimuminvestment",
            "mininvestment",
            "minimumdeposit",
            "minimumbalance",
            "minbalance",
            "mindeposit",
        ),
        *(
            "mindestanlage",
            "mindestbetrag",
            "mindesteinlage",
            "mindestveranlagung",
            "mindestzeichnung",
            "mindestsumme",
            "mindestinvestition",
        ),
        *("起购", "起投", "最低金额", "最低投资", "认购起点", "起点金额"),
        *(
            "minimumdesouscription",
            "souscriptionminimale",
            "montantminimum",
            "investissementminimum",
            "inversionminima",
            "importeminimo",
            "aportacionminima",
            "primaminima",
            "investimentominimo",
            "importominimo",
            "minimuminleg",
            "investimentominimo",
        ),
        *(
            "minstebeløp",
            "minstebelop",
            "minimumsbeløp",
            "minimumsbelop",
            "minimibelopp",
            "minstainsaettning",
            "minimumsinnskudd",
            "kwotaminimalna",
        ),
    ),
    "client": (
        *("clientcategory", "customercategory", "investorcategory", "mifidcategory", "clienttype", "investortype"),
        *("kundenkategorie", "kundenklassifizierung", "anlegerkategorie", "mifidkategorie"),
        *("客户类别", "客户分类", "投资者类型"),
        *("categorieclient", "clasificacioncliente", "categoriacliente", "tipocliente", "klantcategorie"),
    ),
    "clients": (
        *("targetclient", "targetmarket", "targetinvestor", "investortypes", "eligibleclient", "clientcategor"),
        *(
            "zielkunden",
            "zielmarkt",
            "zielmarktkunden",
            "anlegertypen",
            "kundenkategorie",
            "目标客户",
            "适合客户",
            "适用客户",
        ),
        *("clientelecible", "publicoobjetivo", "clienteobjetivo", "clientitarget", "doelgroep"),
    ),
    "knowledge": (
        "knowledge",
        "experience",
        "kenntnis",
        "erfahrung",
        "投资经验",
        "知识",
        *(
            "connaissance",
            "conocimiento",
            "experiencia",
            "esperienza",
            "conoscenza",
            "kennis",
            "ervaring",
            "conhecimento",
        ),
    ),
    "income": (
        *(
            "income",
            "salary",
            "wages",
            "netpay",
            "einkommen",
            "gehalt",
            "lohn",
            "nettoeinkommen",
            "收入",
            "工资",
            "月薪",
        ),
        *("revenu", "salaire", "ingreso", "salario", "reddito", "stipendio", "inkomen", "salaris", "renda"),
        *("inntekt", "indkomst", "inkomst", "dochod"),
    ),
    "spending": (
        *(
            "spending",
            "expenses",
            "expenditure",
            "outgoings",
            "livingcosts",
            "ausgaben",
            "lebenshaltung",
            "支出",
            "开支",
        ),
        *("depenses", "gastos", "spese", "uitgaven", "despesas"),
    ),
    "duties": (
        *("instalment", "installment", "debtservice", "repayment", "loanpayments", "obligations", "monthlydebt"),
        *("kreditrate", "ratenzahlung", "verpflichtung", "schuldendienst", "月供", "还款"),
        *("mensualites", "cuotas", "aflossing", "prestacoes"),
    ),
    "cash": (
        *("cash", "liquidassets", "liquidity", "balance", "accountbalance", "kontostand", "guthaben", "liquiditaet"),
        *("余额", "现金", "流动资产", "solde", "saldo", "liquidites", "liquidita"),
    ),
    "assessed": (
        *("assessedon", "assessed", "assessmentdate", "questionnaire", "profiledon", "suitabilitydate"),
        *("befragtam", "befragung", "eignungspruefung", "geeignetheit", "测评日期", "评估日期", "测评"),
    ),
    "default": ("pd", "probabilityofdefault", "defaultprobability", "ausfallwahrscheinlichkeit", "违约概率"),
    "rate": (
        *("ratepercent", "interestrate", "nominalrate", "loanrate", "annualrate", "apr", "rate", "interest"),
        *("zinssatz", "sollzins", "nominalzins", "zins", "利率", "年利率"),
        *("tauxdinteret", "taux", "tipodeinteres", "interes", "tasso", "rente", "taxadejuro"),
    ),
    "most": (
        *("maximumamount", "maxamount", "maximumloan", "creditlimit", "maxloan", "hoechstbetrag", "maximalbetrag"),
        *("kreditlimit", "最高金额", "最高额度", "montantmaximum", "importemaximo", "importomassimo"),
    ),
    "least months": ("leastmonths", "minmonths", "minimumterm", "minterm", "mindestlaufzeit", "最短期限"),
    "most months": ("mostmonths", "maxmonths", "maximumterm", "maxterm", "hoechstlaufzeit", "最长期限"),
    "purposes": ("purposes", "purpose", "verwendungszweck", "zweck", "用途", "finalite", "finalidad", "finalita"),
    "objective": (
        *("objective", "goal", "investmentaim", "anlageziel", "sparziel", "投资目标", "理财目标"),
        *("objectif", "objetivo", "obiettivo", "doelstelling"),
    ),
    "capacity": ("capacityforloss", "losscapacity", "risikotragfaehigkeit", "verlusttragfaehigkeit", "亏损承受"),
    "sustainability": ("sustainability", "esg", "nachhaltig", "durabilite", "sostenibil", "duurzaam", "可持续"),
    "kind": (
        "kind",
        "producttype",
        "productgroup",
        "category",
        "produktart",
        "produkttyp",
        "produktgruppe",
        "类型",
        "类别",
        *(
            "categorie",
            "typedeproduit",
            "famille",
            "categoria",
            "tipodeproducto",
            "tipoproducto",
            "tipoprodotto",
            "ramo",
            "soort",
            "productsoort",
        ),
        *("kategori", "produkttype", "produktkategori", "produktgruppe"),
    ),
}
"""Words of the names of columns, the most telling first."""

LOANS = (
    *("loan", "credit", "mortgage", "kredit", "darlehen", "hypothek", "贷款", "信贷"),
    *("pret", "prestamo", "credito", "prestito", "mutuo", "lening", "emprestimo"),
)
"""Words of the kinds of products that lend money."""
DEPOSITS = (
    *("deposit", "savings", "einlage", "sparen", "sparkonto", "tagesgeld", "festgeld", "存款", "储蓄"),
    *("livret", "deposito", "ahorro", "risparmio", "spaarrekening", "poupanca"),
)
"""Words of the kinds of products whose worth does not move with a market."""

YES = frozenset(
    (
        *("samtykket", "godtatt", "tak", "evet", "ano"),
        *(
            *(
                "oui",
                "o",
                "si",
                "s",
                "sim",
                "accepte",
                "acepta",
                "aceptado",
                "accettato",
                "akkoord",
                "vrai",
                "verdadero",
            ),
            "y",
            "yes",
            "true",
            "t",
            "1",
            "j",
            "ja",
            "x",
            "ok",
            "given",
            "granted",
            "agreed",
            "accepted",
            "optin",
            "optedin",
            "subscribed",
            "wahr",
        ),
        *(
            "erteilt",
            "zugestimmt",
            "liegtvor",
            "vorhanden",
            "erlaubt",
            "是",
            "有",
            "同意",
            "已同意",
            "已授权",
            "已签署",
            "真",
        ),
    )
)
NO = frozenset(
    (
        *("nei", "nej", "nie", "ei", "hayir"),
        *(
            *("non", "nao", "nee", "refuse", "rechazado", "rifiutato", "geweigerd", "faux", "falso"),
            "n",
            "no",
            "false",
            "f",
            "0",
            "nein",
            "none",
            "refused",
            "withdrawn",
            "denied",
            "revoked",
            "optout",
            "optedout",
            "unsubscribed",
            "declined",
        ),
        *("nomarketing", "nocontact", "donotcontact", "keinewerbung", "keinkontakt", "nopublicidad", "勿扰"),
        *("notgiven", "falsch", "widerrufen", "verweigert", "abgelehnt", "nichterteilt", "fehlt", "entzogen", "keine"),
        *("否", "无", "不同意", "未同意", "未授权", "已撤回", "拒绝", "假"),
    )
)
OPEN = frozenset(
    (
        *("正常销售", "可购买", "可售", "销售", "发售", "存续"),
        *("apen", "aapen", "oeppen", "aaben", "tilgjengelig", "tillgaenglig", "aktywny", "dostepny"),
        *("ouvert", "actif", "encours", "disponible", "abierto", "activo", "vigente", "enventa", "aperto", "attivo"),
        *("actief", "lopend", "aberto", "ativo", "beschikbaar"),
        *(
            "opentonew",
            "forsale",
            "released",
            "sellable",
            "可供认购",
            "可认购",
            "认购中",
            "开放申购",
            "开放认购",
            "可申购",
        ),
        *("open", "active", "available", "onsale", "live", "current", "tradable", "listed", "offen", "aktiv"),
        *(
            "verfuegbar",
            "imvertrieb",
            "vertrieb",
            "lieferbar",
            "handelbar",
            "在售",
            "正常",
            "有效",
            "销售中",
            "上架",
            "募集中",
        ),
        "开放",
    )
)
CLOSED = frozenset(
    (
        *("nurbestand", "bestand", "bestandsprodukt", "bestandsgeschaeft", "altbestand", "auslauf", "existingonly"),
        *("停止", "终止销售", "结束", "结束销售", "封闭", "legacy", "longeravailable"),
        *("blocked", "frozen", "locked", "deceased", "dead", "verstorben", "bloque", "bloqueado", "bloccato"),
        *("geblokkeerd", "decede", "fallecido", "deceduto", "overleden", "sperret", "fryst", "zablokowany"),
        *("冻结", "已冻结", "锁定", "挂失", "已故", "死亡", "注销", "已注销"),
        *(
            "utgatt",
            "utgaatt",
            "udgaet",
            "udgaaet",
            "avsluttet",
            "avslutad",
            "lukket",
            "stengt",
            "staengd",
            "stoppet",
            "ophoert",
            "opphørt",
            "ophørt",
            "wycofany",
            "zamkniety",
            "nieaktywny",
        ),
        *("ferme", "inactif", "clos", "cloture", "cerrado", "inactivo", "anulada", "anulado", "cancelado", "baja"),
        *(
            "chiuso",
            "inattivo",
            "cessato",
            "gesloten",
            "inactief",
            "beeindigd",
            "encerrado",
            "resilie",
            "descatalogado",
        ),
        *("closed", "inactive", "withdrawn", "suspended", "delisted", "matured", "discontinued", "ended", "expired"),
        *("sunset", "sunsetting", "endoflife", "eol", "phasedout", "phaseout", "notoffered"),
        *("retired", "archived", "obsolete", "softclosed", "hardclosed", "closedtonew", "notforsale", "nolongersold"),
        *("auslaufend", "暂停认购", "停止认购", "不可认购", "暂停申购", "停止申购", "暂停销售", "停止销售"),
        *("terminated", "soldout", "liquidated", "geschlossen", "inaktiv", "eingestellt", "gesperrt", "beendet"),
        *(
            "left",
            "former",
            "cancelled",
            "dormant",
            "gekuendigt",
            "aufgeloest",
            "ehemalig",
            "erloschen",
            "销户",
            "已销户",
            "休眠",
        ),
        *("ausgelaufen", "zurueckgezogen", "abgelaufen", "faellig", "nichtimvertrieb", "ausverkauft"),
        *("停售", "下架", "关闭", "终止", "已到期", "无效", "暂停", "清盘", "已停售", "已下架"),
    )
)
ORDERS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("none", "no", "keine", "无", "ohne", "aucune", "aucun", "ninguna", "ninguno", "nessuna", "geen"),
        ("verylow", "sehrniedrig", "sehrgering", "tresfaible", "muybajo", "moltobasso", "zeerlaag", "极低", "很低"),
        (
            "low",
            *("faible", "bajo", "baja", "basso", "bassa", "laag", "baixo"),
            "niedrig",
            "gering",
            "basic",
            "grundkenntnisse",
            "basis",
            "basiskenntnisse",
            "低",
            "低风险",
            "beginner",
        ),
        ("mediumlow", "lowmedium", "moderatelylow", "niedrigmittel", "中低", "中低风险"),
        (
            "medium",
            "moderate",
            "mittel",
            "moderat",
            "moyen",
            "moyenne",
            "modere",
            "medio",
            "media",
            "moderado",
            "gemiddeld",
            "normaal",
            "average",
            "informed",
            "中",
            "中等",
            "中风险",
            "fortgeschritten",
        ),
        ("mediumhigh", "moderatelyhigh", "erhoeht", "mittelhoch", "中高", "中高风险"),
        ("high", "hoch", "eleve", "elevee", "alto", "alta", "elevato", "hoog", "advanced", "erweitert", "高", "高风险"),
        ("veryhigh", "sehrhoch", "treseleve", "muyalto", "moltoalto", "zeerhoog", "expert", "experte", "极高", "很高"),
    ),
    (
        ("secure", "securitaire", "prudente", "sicherheitsorientiert", "sicherheit", "保守", "保守型"),
        (
            "conservative",
            "cautious",
            "defensive",
            "defensif",
            "prudent",
            "conservateur",
            "conservador",
            "defensivo",
            "conservativo",
            "prudencial",
            "defensief",
            "konservativ",
            "defensiv",
            "risikoscheu",
            "谨慎",
            "谨慎型",
        ),
        ("incomeoriented", "income", "ertragsorientiert", "ertrag", "稳健", "稳健型"),
        (
            "balanced",
            "equilibre",
            "equilibrado",
            "bilanciato",
            "equilibrato",
            "gebalanceerd",
            "neutraal",
            "neutral",
            "moderado",
            "modere",
            "moderato",
            "ausgewogen",
            "ausgeglichen",
            "平衡",
            "平衡型",
        ),
        (
            "growth",
            "croissance",
            "crecimiento",
            "crescita",
            "groei",
            "growthoriented",
            "wachstumsorientiert",
            "wachstum",
            "成长",
            "成长型",
        ),
        (
            "dynamic",
            "dynamique",
            "dinamico",
            "dinamica",
            "decidido",
            "dynamisch",
            "dynamisch",
            "chancenorientiert",
            "chance",
            "积极",
            "积极型",
        ),
        (
            "aggressive",
            "adventurous",
            "offensive",
            "offensif",
            "agressif",
            "agresivo",
            "arriesgado",
            "aggressivo",
            "offensief",
            "audaz",
            "offensiv",
            "risikobewusst",
            "进取",
            "进取型",
        ),
        ("speculative", "spekulativ", "激进", "激进型"),
    ),
    (
        (
            "short",
            "shortterm",
            "courtterme",
            "court",
            "cortoplazo",
            "corto",
            "breve",
            "brevetermine",
            "kurz",
            "kurzfristig",
            "短",
            "短期",
        ),
        (
            "medium",
            "mediumterm",
            "moyenterme",
            "moyen",
            "medioplazo",
            "medio",
            "mediotermine",
            "midterm",
            "mittel",
            "mittelfristig",
            "中",
            "中期",
        ),
        (
            "long",
            "longterm",
            "longterme",
            "largoplazo",
            "largo",
            "lungo",
            "lungotermine",
            "lang",
            "langfristig",
            "长",
            "长期",
        ),
    ),
)
"""Texts that have an order: each entry lists the words of one step, the lowest first."""


_LEADING = re.compile(r"\s*([A-Za-z]{0,4})[ -]?(\d+)(?![\d.,])")
"""A number before words, behind a letter or none: 1 - cautious, R3 medium, C5进取型."""


def normal(text: str) -> str:
    """A text without case, signs, spaces and accents, umlauts written out."""
    plain = unicodedata.normalize("NFKD", simplified(text).lower().translate(_WRITTEN_OUT))
    return "".join(sign for sign in plain if sign.isalnum())


def place(name: str, concept: str) -> int | None:
    """How well a name speaks of a concept, 0 best; None: it does not."""
    parts = [part for word in words(name) if (part := normal(word))]
    for number, term in enumerate(CONCEPTS[concept]):
        if any(_speaks(parts[first:], term) for first in range(len(parts))):
            return number
    return None


def _speaks(parts: list[str], term: str) -> bool:
    """Whether a name whose words are these begins with a term, or has a long one within its first word."""
    is_short = term.isascii() and len(term) <= _SHORT
    if not is_short and term in parts[0]:
        return True
    joined = ""
    for part in parts:
        if (joined := joined + part) == term:
            return True
        inside = len(part) - (len(joined) - len(term))
        # A term may end within a word, as country does in countries, where it covers most of it.
        if not is_short and joined.startswith(term) and inside >= _SHORT - 1:
            return True
    return False


_DENIED = frozenset(
    {"not", "no", "nicht", "kein", "keine", "non", "pas", "niet", "geen", "ikke", "inte", "nie", "never"}
)
_DENIED_HAN = re.compile("[不未非无拒]")


def told(text: str, yes: Collection[str], no: Collection[str]) -> bool | None:
    """Whether a value is one of some words, or says one among others; None: it says neither.

    >>> [told(one, OPEN, CLOSED) for one in ("Closed - legacy", "No longer available", "正常销售", "终止销售", "Z9")]
    [False, False, True, False, None]
    >>> [told(one, YES, NO) for one in ("Ja, per E-Mail", "No (GDPR)", "同意接收短信", "不同意接收")]
    [True, False, True, False]
    """
    plain = normal(text)
    if plain in yes or plain in no:
        return plain in yes
    parts = [part for word in words(text) if (part := normal(word))]
    runs = {"".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    runs = {run for run in runs if len(run) > 2 or (run == parts[0] and len(run) > 1)}
    signs = {word for word in (*yes, *no) if not word.isascii() and len(word) > 1 and word in plain}
    if runs & set(no) or signs & set(no):
        return False
    if runs & set(yes) or signs & set(yes):
        return not (runs & _DENIED or _DENIED_HAN.search(plain))
    return None


def in_order(texts: Iterable[str]) -> list[tuple[int, str]] | None:
    """Texts with their steps, the lowest first, by words that have an order or the number in each; else None."""
    found = {text: normal(text) for text in texts}
    for order in ORDERS:
        steps = {word: step for step, listed in enumerate(order) for word in listed}
        if found and all(one in steps for one in found.values()):
            return sorted((steps[one], text) for text, one in found.items())
    numbers = {text: "".join(sign for sign in text if sign.isdigit()) for text in found}
    if found and all(numbers.values()) and len({text.replace(n, "#", 1) for text, n in numbers.items()}) == 1:
        return sorted((int(number), text) for text, number in numbers.items())
    leading = {text: _LEADING.match(text) for text in found}
    is_alike = len({one[1].casefold() for one in leading.values() if one}) == 1
    if is_alike and len({int(one[2]) for one in leading.values() if one}) == len(found):
        return sorted((int(one[2]), text) for text, one in leading.items() if one)
    return None
