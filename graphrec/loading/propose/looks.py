"""What a table, a column or a value looks like by its name.

Words are English, German and Chinese ones in common use, and those of French, Spanish, Italian, Dutch, Portuguese,
Norwegian, Swedish, Danish, Polish, Czech and Hungarian that files of banks have.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphrec.loading.mapping.names import is_too_long
from graphrec.loading.persons.names import sort_of
from graphrec.loading.persons.values import REACHING
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import (
    ACTIVE,
    CONCEPTS,
    LEFT,
    are_answers,
    is_attitude,
    normal,
    place,
    says_state,
)
from graphrec.loading.propose.words import (
    in_latin,
    is_identifier,
    simplified,
    singular,
    split_words,
    unwidened,
    without_package,
    words,
)
from graphrec.loading.run.columns import EDGE_OWN, NODE_OWN


@dataclass(frozen=True)
class Action:
    """What people do with products: the edge type that reasons read well, and how much it speaks for a product."""

    type: str
    weight: float
    names: frozenset[str]

    @property
    def is_relevant(self) -> bool:
        """Whether it is a hit in evaluation, and means that the product is held."""
        return self.weight >= 1.0

    def is_within(self, text: str) -> bool:
        """Whether a Chinese text, which has no spaces between words, holds one of the names."""
        return any(name in text for name in self.names if name[0] >= "\u4e00")


def _action(type_: str, weight: float, names: str) -> Action:
    return Action(type_, weight, frozenset(folded(name) for name in names.split()))


def folded(text: str) -> str:
    """A German word without its umlauts, as files that have only ASCII write it."""
    return text.lower().translate(_UMLAUTS)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


_ACTIONS = (
    _action(
        "BOUGHT",
        1.0,
        "buy bought purchase order trade transaction kauf käufe gekauft bestellung buchung umsatz transaktion",
    ),
    _action("BOUGHT", 1.0, "umsätze umsaetze abschluss abschlüsse subscribe subscription invest zeichnung"),
    _action(
        "BOUGHT", 1.0, "reinvestment reinvest wiederanlage execution erwerb zugang einzahlung sparplanausführung bot"
    ),
    _action("BOUGHT", 1.0, "contribution contributions beitragszahlung aportación cotisation"),
    _action("BOUGHT", 1.0, "kjøp kjøpt köp köpt køb købt tegning zakup kupno"),
    _action("BOUGHT", 1.0, "sip switchin stpin lumpsum transferin einlieferung sparrate aufstockung 转入 转换入"),
    _action("SOLD", -1.0, "switchout stpout swp transferout auslieferung entnahme teilverkauf 转出 转换出"),
    _action("SOLD", -1.0, "sälj sälja salj säljer prodaja vânzare vanzare satış satis satım satim"),
    _action("CLOSED", -1.0, "päättynyt päättyi päättyminen zakończono uppsagd opsagt ukončeno megszűnt 해지"),
    _action("RETURNED", -1.0, "peruttu makulerad stornovaná stornováno törölt törölve скасовано відмінено"),
    _action("VIEWED", 0.2, "visning vist visad wyświetlenie"),
    _action("SOLD", -1.0, "salg solgt sålt sprzedaż innløsning inlösen"),
    _action("BOUGHT", 1.0, "aplicação aplicações aplicacao aporte captação aquisição movimentação movimentações"),
    _action("SOLD", -1.0, "resgate resgates venda vendas retirada 解约金 换金"),
    _action(
        "HELD", 1.0, "契约 保有 预かり残高 sözleşme sözleşmeler sozlesme sozlesmeler hesap hesaplar kredi krediler"
    ),
    _action("HELD", 1.0, "계좌 계약 보유 잔고 عقد العقود عقود حساب حسابات محفظة"),
    _action("BOUGHT", 1.0, "매수 거래 가입 شراء صفقات معاملات"),
    _action("SOLD", -1.0, "매도 환매 بيع استرداد"),
    _action("HELD", 1.0, "σύμβαση συμβάσεις symvasi symvaseis λογαριασμός λογαριασμοί logariasmoi договор договоры"),
    _action("BOUGHT", 1.0, "购买 买入 买 申购 认购 定投 交易 订单 成交"),
    _action(
        "HELD", 1.0, "договір договори вклад вклади вклады рахунки счета hopdong hợpđồng taikhoan tàikhoản kontrak"
    ),
    _action("HELD", 1.0, "rekening ugovor ugovori računi sopimus sopimukset salkku tilit ケイヤク keiyaku สัญญา"),
    _action("BOUGHT", 1.0, "покупка купівля придбання merkintä merkinnät osto ostot tapahtuma tapahtumat nákup nákupy"),
    _action("BOUGHT", 1.0, "pokyn pokyny mua pembelian ซื้อ รายการซื้อขาย สั่งซื้อ investments"),
    _action("HELD", 1.0, "encours encour avoirs jacenza giacenze rimanenze"),
    _action("BOUGHT", 1.0, "operazioni operazione versamento versamenti versement versements"),
    _action("SOLD", -1.0, "продаж продажа lunastus lunastukset myynti prodej prodeje bán penjualan ขาย ขายคืน"),
    _action("SOLD", -1.0, "rimborso rimborsi продажба"),
    _action("BOUGHT", 1.0, "αγορά αγορές συναλλαγή συναλλαγές קניה קנייה רכישה רכישות עסקה עסקאות beli transaksi"),
    _action("BOUGHT", 1.0, "zlecenie zlecenia transakcja transakcje nabycie"),
    _action(
        "SOLD",
        -1.0,
        "πώληση πωλήσεις εξαγορά ρευστοποίηση מכירה מכירות פדיון jual pencairan zbycie umorzenie otkup",
    ),
    _action("HELD", 1.0, "hold held holding position own owned ownership contract bestand bestände vertrag verträge"),
    _action(
        "HELD",
        1.0,
        "持有 持仓 合同 account accounts konto konten depot depots compte comptes cuenta cuentas conto conti",
    ),
    _action(
        "BOUGHT", 1.0, "achat achats acheté souscription souscriptions compra compras comprado suscripción acquisto"
    ),
    _action("BOUGHT", 1.0, "acquisti sottoscrizione aankoop aankopen gekocht subscrição contratación contratado"),
    _action(
        "HELD", 1.0, "position positions détention contrat contrats póliza pólizas poliza polizas contrato contratos"
    ),
    _action(
        "HELD",
        1.0,
        "posizione posizioni polizza polizze contratto contratti polis polissen posición posiciones apólice",
    ),
    _action("HELD", 1.0, "allocation allocations election elections enrolled"),
    _action("ACCEPTED", 1.0, "accept accepted acceptance converted conversion angenommen zugesagt accepté aceptado"),
    _action("ACCEPTED", 1.0, "accettato aceito aceita geaccepteerd 接受"),
    _action(
        "APPLIED",
        0.5,
        "apply applied application applications approved approval granted antrag anträge beantragt genehmigt bewilligt "
        "demande demandes accordé accordée solicitud solicitudes aprobado aprobada concedido richiesta approvato "
        "aanvraag goedgekeurd søknad ansökan beviljad innvilget wniosek wnioski zatwierdzony žádost schváleno "
        "申请 批准",
    ),
    _action("RATED", 1.0, "rate rated rating review reviewed bewertung bewertungen 评分 评价"),
    _action("VIEWED", 0.2, "view viewed click visit browse impression pageview ansicht aufruf klick besuch angesehen"),
    _action("VIEWED", 0.2, "aufgerufen angeklickt besucht gemerkt merkliste favoriten wishlist watchlist watched"),
    _action("VIEWED", 0.2, "download downloaded factsheet search searched zugriff zugriffe abruf abrufe suche"),
    _action("VIEWED", 0.2, "浏览 查看 点击 访问 关注 收藏"),
    _action("VIEWED", 0.2, "vue vues visite visites consultation consulta visita visitas visualizzazione bekeken clic"),
    _action(
        "SOLD", -1.0, "sell sold sale redeem redeemed redemption withdrawal verkauf verkäufe verkauft rücknahme abgang"
    ),
    _action("SOLD", -1.0, "卖出 卖 赎回 出售 sld"),
    _action(
        "SOLD",
        -1.0,
        "vente ventes vendu rachat rachats venta ventas reembolso rescate vendita vendite riscatto verkoop",
    ),
    _action("RETURNED", -1.0, "return returned refund refunded retoure retouren rücksendung rückgabe zurückgegeben"),
    _action(
        "HELD", 1.0, "opened activated activation onboarded enrolled eröffnung eröffnet aktiviert abierta ouverture"
    ),
    _action("HELD", 1.0, "apertura 开户 开通 激活"),
    _action(
        "CLOSED",
        -1.0,
        "closed closure terminated termination deactivated offboarded unenrolled matured lapsed surrendered kündigung "
        "gekündigt auflösung aufgelöst geschlossen schliessung schließung beendet clôture clôturé résiliation résilié "
        "cancelación cancelada cierre cerrado chiusura chiuso disdetta opgezegd beëindigd 关闭 销户 解约 终止 结清",
    ),
    _action(
        "RETURNED", -1.0, "storno storniert cancel canceled cancelled cancellation widerruf widerrufen 退货 退款 撤销"
    ),
    _action(
        "REJECTED",
        -1.0,
        "reject rejected rejection refuse refused denied unused decline declined dislike disliked dismiss dismissed "
        "hidden complaint "
        "ablehnung abgelehnt ausgeblendet beschwerde 拒绝 投诉 不感兴趣 thumbs_down thumbsdown downvote unsubscribe "
        "refus refusé refusée réclamation rechazo rechazado rechazada reclamación rifiuto rifiutato reclamo geweigerd",
    ),
)
_HOLDINGS = _action(
    "HELD",
    1.0,
    "policy policies loan loans mortgage mortgages lease leases facility facilities enrolment enrolments "
    "enrollment enrollments membership memberships subscriptions darlehen kredit kredite police policen "
    "versicherung versicherungen bausparvertrag leasing prêt prêts préstamo préstamos prestito prestiti mutui "
    "lening leningen umowa umowy smlouva smlouvy szerződés szerződések szerzodes szerzodesek 贷款 保单 借款",
).names
"""Words of tables whose rows are what customers have, until they end."""
_USER = re.compile(
    r"^(customer|cust|client|user|member|account|investor|patient|person|people|subscriber|reader|borrower|holder|household|"
    r"guest|student|employee|citizen|visitor|shopper|buyer|passenger|tenant|insured|player|listener|farmer|policyholder|cardholder|"
    r"lender|backer|viewer|accountholder|unitholder|shareholder|counterparty|proposer|applicant|party|lessee|mortgagor|taxpayer|donor|clientele|"
    r"clientela|clientèle)$"
    r"|^(kunde|kunden|kdn?r?$|mandant|anleger|nutzer|depotinhaber|versicherte|mitglied)|^\w{3,}(nehmer|inhaber)(in)?$"
    r"|^(kund(er|nr|nummer|id)?|medlem(mer|mar)?|klient(ów|i|ci|a|y)?|zákazní(k|ci|ka|ků)|zakazni(k|ci|ka)|ügyf[eé]l\w*|ugyfel\w*)$"
    r"|^(abonné|adhérent|assuré|souscripteur|sociétaire|titulaire|cliente|asegurado|tomador|socio|titular|afiliado|"
    r"assicurato|contraente|klant|deelnemer|verzekerde|segurado|utente|usuario|utilisateur)s?$|客户|用户|会员|投资者|持卡人|顾客|お客|契约者|口座名义|müşteri|musteri|πελάτ|πελατ|^pelat|^пользов|клиент|клієнт|вкладник|вкладчик|고객|회원|عميل|عملاء|ลูกค้า|ผู้ลงทุน|ผู้ถือ|コキャク|コキヤク|カイイン|ケイヤクシャ"
    r"|^(klijent(i|a)?|korisni(k|ci)|komitent(i|a)?)$|^(khách|khach|kokyaku|nasabah|pelanggan|asiak(as|kaat|kaan|kuus)|jäsen|klientų|klientas|klient(id|i)|klientas)$|^asiakas"
    r"|^(clienti|assicurati|contraenti|intestatar(io|i)|correntist[ai]|aderent[ei]|investitor[ei]|risparmiator[ei])$"
)
_PRODUCT = re.compile(
    r"^(product|prod|item|article|book|movie|film|song|track|security|fund|stock|asset|isin|instrument|recipe|course|drug|"
    r"treatment|hotel|restaurant|game|job|offer|policy|plan|service|dish|wine|therapy|lesson|title|scheme|"
    r"catalog|catalogue|model|etf)$"
    r"|^(produkt|verdipapir|værdipapir|värdepapper|artikel|wertpapier|fonds|tarif|angebot|modell|titel$|anlageprodukt)|(tarif|produkt)(e|en)?$"
    r"|^(produit|titre|placement|garantie|producto|fondo|valor|valore|valori|strumento|strumenti|título|prodotto|titolo|tariffa|produto|fundo|effect)s?$|^(produkty|produktu|produktów|produktum|term[eé]k\w*|towar)$|产品|商品|基金|股票|证券|理财|銘柄|ファンド|ürün|^urun|προϊόν|προιον|^proion|продукт|상품|펀드|منتج|กองทุน|ผลิตภัณฑ์|หลักทรัพย์|ショウヒン|シヨウヒン|メイガラ|цінн|ценн(ая|ые|ой)"
    r"|^(proizvod(i|a)?|usluge?)$|^(phẩm|pham|quỹ|quy|chứngkhoán|produk|reksadana|tuot(e|teet|teen)|tuotetunnus|rahasto|prodotti|strumenti|titoli|fondi|shohin)$"
    r"|^(cenn[éeýy]|papír|papíry|papiry|cennepapiry|vrijednosn)$"
)
_PERSONAL = re.compile(
    r"^(e?mail|phone|mobile|born|pan|aadhaar|aadhar|fax|address|street|birth|dob|birthday|birthdate|ssn|iban|passport|surname|lastname|firstname|"
    r"vorname|nachname|zuname|rufname|geburtsname|familienname|geburt|geburts\w+|geb|gebdat\w*|geboren|kontonummer|kontonr|kontoinhaber|postbox|postfach|telefon|handy|adresse|anschrift|stra(ß|ss)e|hausnummer|steuer\w+|mail|courriel|correo|cellulare|tel|tél|téléphone|teléfono|"
    r"telefono|telefone|telefoon|móvil|portable|rue|dirección|domicilio|indirizzo|morada|naissance|nacimiento|nascita|"
    r"nascimento|geboortedatum|prénom|apellidos?|cognome|sobrenome|achternaam|voornaam|dni|nif|nie|"
    r"curp|rfc|cpf|bsn|ahv|avs|insee|ssn|tin|fiscale?)$"
    r"|^(fornavn|etternavn|efternavn|mellomnavn|förnamn|efternamn|fødselsn\w+|fodselsn\w+|fødselsda\w+|födelse\w+|"
    r"personnr|personnummer|cpr(nr|nummer)?|e?post|mobil(nr|nummer)|gateadresse|imię|nazwisko|pesel|jméno|jmeno|příjmení|prijmeni|név|nev|utónév|vezetéknév)$"
    r"|telefon|姓名|氏名|カナ|フリガナ|手机|电话|邮箱|メール|地址|住所|出生|生日|生年月日|身份证|护照|卡号|郵便番号|邮便番号|^(kimlik|tckn|tcno|soyadı|soyad|doğum|dogum|adresi|telefonu|emirates|iqama|nationalid|qid|nric|hkid|cnp|jmbg|oib|egn|άδτ|αδτ|αφμ|αμκα|γέννησης|διεύθυνση|τηλέφωνο|επώνυμο)$|고객명|성명|주민등록|휴대|전화|이메일|주소|생년월일|^(الاسم|الهوية|الجوال|الهاتف|الميلاد|العنوان|البريد)$"
    r"|^(етунимі|прізвище|ім'я|імя|ім|іпн|інн|инн|снилс|фамилия|имя|отчество|телефон|адреса|адрес|народження|рождения|паспорт)$"
    r"|^(prezime|rođenja|rodjenja|matični|adresa)$|^(etunimi|sukunimi|henkilötunnus|hetu|syntymäaika|syntymäpäivä|puhelin|osoite|katuosoite|sähköposti)$"
    r"|^(cccd|cmnd|sinh|ktp|npwp|nik|lahir|alamat)$|^(שם|לידה|טלפון|כתובת|תעודת|זהות)$|^(ชื่อ|นามสกุล|ที่อยู่|โทรศัพท์|อีเมล|วันเกิด)$|เลขบัตรประชาชน"
    r"|シメイ|セイネンガッピ|ジュウショ|デンワ"
)
_FREE_TEXT = re.compile(
    r"^(verwendungszweck|buchungstext|zahlungstext|überweisungstext|memo|remittance|narrative|remark|remarks|comment|"
    r"comments|note|notes|bemerkung|bemerkungen|notiz|kommentar|payee|payer|counterparty|empfänger|auftraggeber)$"
    r"|^zahlungsempfänger|附言|摘要|备注|用途"
)
_END = re.compile(
    r"^(until|end|ended|ends|expiry|expires|expired|closed|terminated|cancelled|bis|ende|beendet|ablauf|gekündigt|"
    r"kündigung|kuendigung|kündigungsdatum|vertragsende|laufzeitende|enddatum|endedatum|auflösung|aufgelöst|geschlossen|"
    r"schließung|schliessung|beendigung|storno|storniert|austritt|rückkauf|laufzeitende|(storno|auflösungs|aufloesungs|schließungs|schliessungs|beendigungs|kuendigungs|austritts|ablauf|fälligkeits|faelligkeits|abgangs)(datum|dat|tag)|exit|lapse|lapsed|surrender|surrendered|termination|cancellation|cancelled|canceled|disdetta|recesso|estinzione|estinto|opzegging|opgezegd|beëindiging|annulation|anulación|cancelado|clôture|résiliation|échéance|fin|vencimiento|baja|cancelación|scadenza|cessazione|chiusura|einddatum|vencimento|close|sluttdato|slutdatum|slutdato|utløp|utløpsdato|avsluttet|avslutad|oppsagt|maturity|matures|matured|fällig|fälligkeit|faelligkeit|gültigbis|zamknięcia|zamkniecia|zakończenia|zakonczenia|rozwiązania|ukončení|ukonceni|zrušení|zruseni|megszűnés|megszunes|lejárat|lejarat|zárás|zaras|felmondás)$|到期|终止|结束|销户|清仓|退保|注销|结清|解约|満期|终了|^(kapanış|kapanis|bitiş|bitis|vade|λήξης?|κλεισίματος)$|해지|만기|종료|الإغلاق|الاغلاق|الانتهاء"
    r"|カイヤク|マンキ|シュウリョウ|^(закриття|закрытия|закінчення|окончания|розірвання|расторжения|погашення|погашения)$"
    r"|^(päättymis(päivä|pvm)|päättyy|päättynyt|lunastettu|irtisanottu|settlement|liquidation)$|tấttoán|tattoan|^(đáo|toán)$"
    r"|วันที่ปิด|วันปิด|ครบกำหนด|สิ้นสุด"
)
_RATING = re.compile(r"^(rating|stars|score|note|grade|bewertung|sterne)$|评分|星")
_PROTECTED = re.compile(
    r"^(sex|gender|marital|religion|ethnicity|race|nationality|disability|orientation|salutation|geschl|geschlecht|anrede|anr|"
    r"fam(ilien)?st(and)?|zivilstand|civilité|sexe|sexo|sesso|geslacht|género|genere|civil|civile|nacionalidad|nationalité|nazionalità|nationaliteit|kjønn|køn|kön|sivilstand|civilstånd|statsborgerskap|płeć|konfession|nationalität|citizenship|staats\w+|pep|politically|behinderung|vulnerable|vulnerability)$|性别|婚姻|民族|宗教|国籍|残疾|政治公众|政要|성별|국적|الجنس|الجنسية"
)
_OF_PERSON = re.compile(r"name|\badı\b|soyad|όνομα|επώνυμο|имя|фамилия|\b(nom|nombre|nome)\b|naam", re.IGNORECASE)
_NAME = re.compile(
    r"^(name|title|label|display|bezeichnung|titel|produktname|fondsname|libellé|intitulé|nom|nombre|denominación|denominazione|nome|naam|navn|namn|nazwa|název|nazev|név|nev|\w{3,}(név|nev)|designação|\w*bezeichnung|\w{3,}bez|\w{3,}(name|naam|navn|namn)|benennung)$|名称|姓名|标题|简称|^(adı|ismi|ονομασία|όνομα|наименование)$|상품명|^(이름|اسم)$|^(naziv|ime|назва|tên|nama|nimi|\w{3,}(nimi|nimike))$|^ชื่อ|(ショウヒン|シヨウヒン|メイガラ)メイ"
)
_DESCRIPTION = re.compile(
    r"^(description|desc|details|summary|objective|objectives|strategy|about|text|abstract|synopsis|"
    r"\w*beschreibung|descriptif|descripción|descripcion|descrizione|beschrijving|omschrijving|beskrivelse|beskrivning|opis|descrição|blurb|anlageziel|anlagestrategie|erläuterung|produkttext|zusammenfassung)$|说明|描述|简介|介绍|目标|策略"
)
_WEIGHT = re.compile(
    r"^(amount|quantity|qty|volume|value|units|rating|score|weight|count|minutes|betrag|menge|stück|wert|montant|importe|monto|importo|bedrag|beløp|belopp|beløb|kwota|prima|prime|premio|premie|premium|montante)$|金额|数量|份额|금액|수량|المبلغ|الرصيد|^(iznos|vrednost|vrijednost|сума|сумма|summa|tiền|objem|kusů)$|จำนวนเงิน|キンガク"
)
_QUANTITY = re.compile(
    r"^(quantity|qty|units|allocation|alloc|allokation|weighting|cotas|shares|pieces|nominal|stück|stücke|stueck|stuecke|stückzahl|menge|anzahl|anteile|nominale|quantité|parts|cantidad|participaciones|quantità|quote|aantal|quantidade|qt|qtd|qtde|antal|andelar|andele|osuutta|podily|udzialy|broj)$"
    r"|数量|份额|股数|수량|الكمية|จำนวนหน่วย|單位數|单位数|^(osuudet|osuuksia|kpl|lượng|кількість|количество|kusů|kusy|počet)$"
)
_KNOWN = re.compile(
    r"^(booked|known|recorded|created|reported|settled|loaded|posted|published|gebucht|buchungsdatum)$|记账|入账"
)
_ISSUED = re.compile(
    r"^(issued|launched|introduced|released|auflage|auflagedatum|emissionsdatum|ausgegeben)$|发行|上市|成立"
)
_ACTION = re.compile(
    r"^(type|kind|action|event|side|operation|activity|art|vorgang|buchungsart|transaktionsart|sens|opération|operación|operação|operacao|operazione|resultado|résultat|esito|movimiento|tipo)$|类型|方向|操作|类别|^(laji|tapahtumalaji|směr|pokyn|causale|вид|операції|операции|strona|πράξη|κίνηση)$|^ประเภทรายการ|פעולה"
)
_STATE = re.compile(
    r"^(\w*status|\w*stat|currency|consent|flag|language|unit|channel|währung|waehrung|\w*einwilligung|\w*zustimmung|sprache|stat|statut|état|estado|stato|devise|divisa|moneda|langue|lengua|lingua|idioma|valuta|taal)$|状态|币种|货币|语言|상태|^حالة$|^(стан|статус|tila|stav|trạng)$|สถานะ"
)
_ADVISER = re.compile(
    r"^(adviser|advisor|manager|banker|rm|\w*betreuer|betreuerin|\w*berater|beraterin|conseiller|conseillère|gestionnaire|servicing|"
    r"gestor|gestora|asesor|asesora|mediador|consulente|gestore|adviseur|agent|agente|rådgiver|rådgivare|doradca|poradce|tanácsadó|"
    r"assessor|consultor|producer|broker)$|客户经理|理财经理|理财师"
)
_CRM = re.compile(r"^(crm|salesforce|sfdc|hubspot|dynamics)$")
_SENSITIVE = re.compile(
    r"^(age|province|state|county|district|domicile|born|income|salary|wealth|region|city|town|country|zip|postcode|postal|plz|ort|wohnort|stadt|land|bundesland|alter|woonplaats|domizil|woonland|"
    r"altersgruppe|einkommen|gehalt|vermögen|canton|département|commune|ville|pays|âge|revenus?|salaire|patrimoine|poststed|fylke|kommune|kommun|län|bosted|alder|inntekt|inkomst|indkomst|postnr|postnummer|provincia|ciudad|país|edad|ingresos|renta|profesión|provincie|cidade|uf|município|bairro|profissão|reddito|età|città|comune|regione|cap|inkomen|leeftijd|gemeente|stad|beruf|occupation|education|children|kinder)$|年龄|收入|城市|地区|职业|都道府県|市区町村|年収|職业|職業|^(şehir|sehir|ilçe|meslek|gelir|geliri|πόλη|νομός|επάγγελμα|εισόδημα|emirate|governorate|judet)$|지역|직업|المدينة|الدخل|^(місто|город|область|регіон|регион|вік|возраст|дохід|доход|професія|профессия)$"
    r"|^(עיר|יישוב|מחוז|גיל|הכנסה|מקצוע)$|^(град|област|населено|grad|mesto|mjesto|opština|općina|županija)$|^(kotipaikka|postinumero|asuinkunta|ikä|tulot|ammatti|tỉnh|thànhphố|kota|provinsi|pekerjaan|kraj|okres)$|จังหวัด|อำเภอ|อาชีพ|รายได้|อายุ"
)
_KIND = re.compile(
    r"^(kind|type|category|class|classe|group|sector|branch|line|lob|art|typ|gruppe|klasse|\w{3,}(art|gruppe|typ|klasse|kategorie|kategori|type|categorie|soort|familie)|sparte|family|kategorie|kategori|gattung|catégorie|famille|familia|famiglia|categoría|ramo|tipo|categoria|soort|categorie|sheet)$|类型|类别|种类|区分|^(grubu|türü|turu|tipi|segmenti|κατηγορία|είδος|τύπος)$|유형|종류|^نوع$|^(vrsta|вид|тип|категорія|категория|loại|jenis|laji|ryhmä|\w{3,}(ryhmä|laji)|druh)$|^ประเภท|シュベツ"
)
_RISK = re.compile(
    r"^(risk|riskometer|risiko|risikoklasse|srri|sri|rk|risque|riesgo|rischio|risico\w*|risco)$|风险|リスク|위험|المخاطر|ризик|риск|ความเสี่ยง|^(riski\w*|rủi|risiko|rizik\w*)$"
)
_FEE = re.compile(
    r"^(fee|fees|ter|ocf|expense|expenses|cost|costs|charge|charges|gebühr|gebuehr|gebühren|kosten|kostenquote|verwaltungsvergütung|provision|ausgabeaufschlag|frais|comisión|comisiones|gastos|commissioni|commissione|spese|kosten|custos|taxa|\w*gebyr|\w*avgift)$|费|보수|수수료|ค่าธรรมเนียม|^(комісія|комиссия|kulu|kulut|vuosikulu|phí|poplatek)$|^(الرسوم|رسوم)$"
)
_MINIMUM = re.compile(
    r"^(minimum|min|mínimo|minima|mínima|minimo|"
    r"mindest(anlage\w*|\w*betrag|\w*summe|\w*rate|\w*prämie|\w*praemie|einlage|veranlagung|zeichnung|investition|kauf\w*))$|起购|最低|ขั้นต่ำ|サイテイ|^(мінімальна|минимальная|vähimmäis\w*|minimi\w*|tốithiểu|thiểu)$|^(asgari|ελάχιστο|ελάχιστη)$|최소|^(الأدنى|الادنى)$"
)
_ISSUER = re.compile(
    r"^(issuer|emittent\w*|emittente|émetteur|emetteur|emisor|emissor|uitgever|debtor|borrower|kapitalanlagegesellschaft|kvg|kag|"
    r"gestora|amc)$|发行人|发行机构|发行方|管理人"
)
_PATTERNS = {
    "issuer": _ISSUER,
    "user": _USER,
    "product": _PRODUCT,
    "personal": _PERSONAL,
    "free text": _FREE_TEXT,
    "end": _END,
    "adviser": _ADVISER,
    "crm": _CRM,
    "sensitive": _SENSITIVE,
    "kind": _KIND,
    "risk": _RISK,
    "fee": _FEE,
    "minimum": _MINIMUM,
    "rating": _RATING,
    "protected": _PROTECTED,
    "name": _NAME,
    "description": _DESCRIPTION,
    "weight": _WEIGHT,
    "quantity": _QUANTITY,
    "known": _KNOWN,
    "issued": _ISSUED,
    "action": _ACTION,
    "state": _STATE,
}


def looks(text: str, like: str) -> bool:
    """Whether one of the words of a name is of a sort: user, product, personal, weight and so on."""
    every = words(simplified(text))
    every += [] if text.isascii() else words(in_latin(text))
    return any(_PATTERNS[like].search(word) or _PATTERNS[like].search(singular(word)) for word in every)


def likeness(text: str) -> int:
    """2 for what is called like users, -2 for what is called like products, 0 for neither."""
    return 2 * looks(text, "user") - 2 * looks(text, "product")


def is_personal(column: ColumnProfile, *, of_user: bool) -> bool:
    """Whether a column names or reaches a person; a name does so only for users, and a yes or no never does."""
    if column.kind == "boolean" or place(column.name, "consent") is not None:
        return False
    sort = sort_of(column.name) if of_user else None
    return (
        looks(column.name, "personal")
        or says_who(column)
        or (column.shape in REACHING and not (column.shape == "telephone numbers" and column.looks_like_id))
        or sort == "personal"
        or (of_user and column.shape in _OF_ONE and sort != "known" and not column.looks_like_id)
        or (of_user and column.kind == "text" and _OF_PERSON.search(column.name) is not None)
        or (of_user and _is_of_each(column))
    )


def _is_of_each(column: ColumnProfile) -> bool:
    """Whether each customer has a text of their own with several words, as names and addresses are."""
    is_own = column.filled >= _ENOUGH and column.distinct >= 0.9 * column.filled
    return is_own and column.kind == "text" and column.has_blanks and not column.looks_like_id


_ENOUGH = 10


def asks_people(columns: Iterable[ColumnProfile]) -> bool:
    """Whether a table is of those who are asked: it says what they agreed to, or when they were born."""
    return any(
        (one.kind == "time" and place(one.name, "born") is not None)
        or (
            any(place(one.name, concept) is not None for concept in ("consent", "objection"))
            and (one.kind == "boolean" or are_answers(one.values or one.states))
        )
        for one in columns
    )


def is_protected(column: ColumnProfile, *, of_user: bool) -> bool:
    """Whether nobody may be treated by what a column says."""
    return looks(column.name, "protected") or (of_user and sort_of(column.name) == "protected")


def is_special(column: ColumnProfile) -> bool:
    """Whether a column of customers says what Article 9 and 10 of the GDPR protect."""
    is_other = looks(column.name, "personal") or place(column.name, "pep") is not None
    return sort_of(column.name) == "special" and not is_other


def is_known_name(text: str) -> bool:
    """Whether the name of a column of customers tells what it says of them."""
    return (
        is_identifier(text)
        or sort_of(text) is not None
        or any(looks(text, like) for like in _PATTERNS)
        or any(place(text, concept) is not None for concept in CONCEPTS)
        or any(whole.fullmatch(normal("".join(words(text)))) for whole in (ACTIVE, LEFT))
    )


def is_known_by_values(column: ColumnProfile) -> bool:
    """Whether the values of a column of customers tell what it says: who is one still, or how much risk they bear."""
    return says_state(column.states, of_users=True) or is_attitude(column.states)


MOST_ANSWERS = 3
"""Different values of a column of answers, at most."""


_OF_ONE = ("days of birth", "numbers")
"""Shapes that tell one customer from all others, where no name says what they are."""


def says_who(column: ColumnProfile) -> bool:
    """Whether a column is a text that people write with a payment or a contact: it may name anybody."""
    is_payment = {"payment", "zahlung"} & set(column.words) and {"text", "purpose", "reference"} & set(column.words)
    is_number = column.is_unique and not column.has_blanks  # a contract note, and no note
    is_state = bool(column.words) and looks(column.words[-1], "state")  # the state of a note, which is a loan
    is_text = column.kind == "text" and not is_number and not is_state
    return is_text and (looks(column.name, "free text") or bool(is_payment))


def is_rating(column: ColumnProfile) -> bool:
    """Whether a column holds what people think of something: a note, and not the amount of one."""
    is_amount = bool(_OF_NOTES.intersection(column.words))
    return column.kind in {"integer", "real"} and looks(column.name, "rating") and not is_amount


_OF_NOTES = frozenset({"amount", "amt", "principal", "balance", "price", "units", "face", "par", "rate", "yield"})
"""Words of what a note, which is a loan, has, and a rating has not."""


_SCALE = re.compile(r"\s*[(\[]\s*\d+\s*([-–—]|to|bis)\s*\d+\s*[)\]]")
"""The scale of a column behind its name: ATR (1-10)."""
_YES_OR_NO = re.compile(r"(?<=\w)\s*\((y|j|s|o|yes|ja|si|oui)\s*/\s*(n|no|nein|non)\)$", re.IGNORECASE)
"""What says that a column has yes and no, and is no part of its name."""
_COMPOUND = 6
"""Shorter words end others by chance."""


def action_of(text: str) -> Action | None:
    """What a value says that people do."""
    return _action_of(simplified(text)) or (None if text.isascii() else _action_of(in_latin(text)))


def _action_of(text: str) -> Action | None:
    parts = words(text)
    found = {folded(one) for one in (*parts, *map(singular, parts), text.strip())}
    if found & _OPENED and found & _SHOWN:
        return next(action for action in _ACTIONS if action.type == "VIEWED")
    joined = folded("".join(parts))
    # Both words of "switch out" say it together.
    if (pair := next((action for action in _ACTIONS if joined in action.names), None)) is not None:
        return pair
    fits = (action for action in _ACTIONS if found & action.names or action.is_within(text))
    # What was done to an order or a contract says more than that it is one: order.cancelled, account_closed.
    named = min(
        fits,
        key=lambda action: (action.weight >= 0, not (found & action.names) - THINGS and not action.is_within(text)),
        default=None,
    )
    return named or _action_of_compound(found)


_OPENED = frozenset({"opened", "open", "ouvert", "abierto", "geoeffnet", "tapped", "tap"})
_SHOWN = frozenset(
    {
        *("instrument", "fund", "stock", "etf", "page", "screen", "detail", "details", "article", "email", "mail"),
        *("push", "notification", "message", "document", "factsheet", "app", "teaser", "banner", "newsletter", "card"),
    }
)
"""What one opens to look at it: a fund on a screen, and not an account."""
THINGS = _action(
    "",
    0.0,
    "order trade transaction account accounts contract position positions policy konto konten depot depots bestellung "
    "buchung umsatz vertrag verträge bestand bestände compte contrat cuenta contrato conto contratto subscription "
    "订单 交易 合同",
).names
"""Words of actions that name what something is done to."""
_LETTERS = ("BS", "KV", "AV", "CV", "PS", "PR", "SR", "KS", "VE", "ΑΠ", "קמ")
"""Letters for what is bought and what is sold: buy and sell, Kauf and Verkauf, achat and vente, kupno and sprzedaż."""
_IN_CODES = frozenset({"P", "PUR", "SI", "SWIN", "SIP", "STI", "STPI", "NFO", "ADD", "TI", "SUB", "IPO"})
_OUT_CODES = frozenset({"R", "RED", "SO", "SWOF", "SWOP", "SWP", "STO", "STPO", "TO"})
"""Codes of registrars of funds: purchase and redemption, switches in and out, plans."""


def actions_in(values: Sequence[str]) -> dict[str, Action | None]:
    """What each value of a column says that people do; two letters are told apart by each other."""
    pair = "".join(sorted(one.strip().upper() for one in values))
    known = next((one for one in _LETTERS if "".join(sorted(one)) == pair), None)
    bought, sold = (next(action for action in _ACTIONS if action.type == kind) for kind in ("BOUGHT", "SOLD"))
    codes = {one: one.strip().upper() for one in values}
    if (
        {*codes.values()} <= _IN_CODES | _OUT_CODES
        and len(codes) > 1
        and all({*codes.values()} & told for told in (_IN_CODES, _OUT_CODES))
    ):
        return {one: bought if code in _IN_CODES else sold for one, code in codes.items()}
    if known is None:
        told = {one: action_of(one) for one in values}
        accepted = next(action for action in _ACTIONS if action.type == "ACCEPTED")
        # Who redeems an offer takes it; who redeems a fund gives it back.
        if any(one is not None and one.type in {"ACCEPTED", "REJECTED"} for one in told.values()):
            told |= {one: accepted for one in values if "redeemed" in words(one) or "eingelöst" in words(one)}
        return told
    return {one: bought if one.strip().upper() == known[0] else sold for one in values}


_ENDS = {
    name: place for place, action in reversed([*enumerate(_ACTIONS)]) for name in action.names if len(name) >= _COMPOUND
}
"""Names that a compound may end with, and the place of their action; the first action that has a name keeps it."""


def _action_of_compound(found: set[str]) -> Action | None:
    """What a German compound says by the word that it ends with: Depotbestand, Wertpapierverkauf."""
    ends = {word[start:] for word in found for start in range(1, len(word) - _COMPOUND + 1)}
    name = min(ends & _ENDS.keys(), key=lambda end: (-len(end), _ENDS[end]), default=None)
    return None if name is None else _ACTIONS[_ENDS[name]]


_ACCOUNTING = frozenset(
    {
        *(
            "dividend",
            "dividends",
            "interest",
            "coupon",
            "fee",
            "fees",
            "tax",
            "taxes",
            "split",
            "merger",
            "withholding",
        ),
        *("control", "kontrollgruppe", "holdout", "notcontacted", "nichtkontaktiert", "grupocontrol", "controlgroup"),
        *("distribution", "accrual", "dividende", "dividenden", "zins", "zinsen", "gebühr", "gebühren", "steuer"),
        *(
            "ausschüttung",
            "kupon",
            "intérêt",
            "intérêts",
            "frais",
            "taxe",
            "dividendo",
            "dividendos",
            "cupón",
            "interés",
        ),
        *("comisión", "cedola", "interessi", "imposta", "rente", "kosten"),
    }
)


_ACCOUNTING_ENDS = ("dividende", "gebühr", "gebuehr", "steuer", "zinsen", "ausschüttung", "ausschuettung", "entgelt")
"""What German compounds of that kind end with: Depotgebühr, Kapitalertragsteuer."""


def is_accounting(text: str) -> bool:
    """Whether a value says what a security did, or was charged, or was sent, and nothing that a customer chose."""
    plain = simplified(text)
    is_chinese = any(one in plain for one in ("股息", "分红", "红利", "派息", "结息", "利息", "手续费", "税"))
    found = words(plain)
    ends = any(one.endswith(word) for one in found for word in _ACCOUNTING_ENDS)
    return is_chinese or ends or bool((_ACCOUNTING | _UNANSWERED).intersection((*found, "".join(found))))


_UNANSWERED = frozenset(
    {
        *("ignored", "unopened", "unanswered", "noresponse", "noanswer", "sent", "bounced", "undelivered", "unread"),
        *(
            "ignoriert",
            "versendet",
            "unbeantwortet",
            "keinereaktion",
            "keineantwort",
            "sanssuite",
            "ignorado",
            "ignoré",
        ),
    }
)
"""What became of an offer that a customer did nothing about."""


def action_of_table(text: str) -> Action | None:
    """What the rows of a table say that people did: what a bank calls its sales, its customers bought."""
    action = action_of(text)
    if action is not None and action.weight < 0 and _AND.intersection(words(simplified(text))):
        action = next((one for one in _ACTIONS if _said_by(text) & one.names and one.weight > 0), action)
    if action is None and _is_holding(text):
        return next(one for one in _ACTIONS if one.type == "HELD")
    return _ACTIONS[0] if action is not None and action.type == "SOLD" else action


_AND = frozenset({"and", "und", "et", "y", "e"})
"""Words between two actions of one table, which is then of the one that speaks for a product."""


def _said_by(text: str) -> set[str]:
    """The words of a name, folded, as they are and in the singular."""
    return {folded(one) for word in words(simplified(text)) for one in (word, singular(word))}


def _is_holding(text: str) -> bool:
    plain, found = simplified(text), _said_by(text)
    within = any(one in plain for one in _HOLDINGS if not one.isascii())
    ends = any(word.endswith(one) for word in found for one in _HOLDINGS if one.isascii() and len(one) >= _COMPOUND)
    return bool(found & _HOLDINGS) or within or ends


def is_hidden(table: str) -> bool:
    """Whether a table holds what a model is tested by, and nothing that customers did or are.

    >>> is_hidden("truth_signals"), is_hidden("trades")
    (True, False)
    """
    return not _HIDDEN.isdisjoint(words(table))


_HIDDEN = frozenset({"truth", "planted", "holdout", "solution", "groundtruth"})


def property_name(column: str) -> str:
    """The column's name as a property: letters, digits and _, and none of graphrec's own.

    >>> property_name("ATR (1-10)"), property_name("fee (%)")
    ('ATR', 'fee_percent')
    """
    column = _SCALE.sub("", _YES_OR_NO.sub("", unwidened(without_package(column)))) or column
    plain = split_words(column.replace("%", " percent ")).strip("_") or "column"
    plain = f"column_{plain}" if plain[0].isdigit() else plain
    while is_too_long(plain):
        plain = plain[:-1]
    return f"{plain}_given" if plain.lower() in (NODE_OWN | EDGE_OWN) - {"id"} else plain


def label_name(text: str) -> str:
    """A text as a label: `age_band` is AgeBand."""
    label = "".join(word[:1].upper() + word[1:] for word in words(text))
    return shortened(label if label[:1].isidentifier() else f"Label{label}")


def type_name(text: str, otherwise: str = "HAS") -> str:
    """A text as an edge type: `first view` is FIRST_VIEW."""
    kind = "_".join(words(text)).upper()
    return shortened(kind if kind[:1].isidentifier() else f"{otherwise}_{kind}")


def shortened(plain: str) -> str:
    """A name as long as files may be called: a letter of Thai takes nine signs there."""
    while is_too_long(plain):
        plain = plain[:-1]
    return plain
