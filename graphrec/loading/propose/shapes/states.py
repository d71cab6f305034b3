"""What a status says of a holding that has no date of its end: still held, over, or never held at all."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import CLOSED, OPEN, normal, told
from graphrec.loading.propose.looks import actions_in, looks
from graphrec.loading.propose.words import simplified, words

State = Literal["held", "over", "never held"]
Asks = Callable[[str, str], State]
"""What a person says of a value: the column and the value."""

_NAME = re.compile(
    r"^(\w*status|\w{0,3}stat|state|statut|situa(ç|c)(ã|a)o|situación|situazione|situation|estado|stato|\w*zustand|lifecycle|stage|phase|stav|stan|tila|стан|статус|состояние|estatus|stare|stanje|būsena|busena|olek|trạng|tình|durum|durumu|állapota?|allapota?|etat|état|tila|status(en)?)$|สถานะ|状态|상태|حالة|\w+(status|zustand)code$"
)
_OTHER = frozenset({"marital", "kyc", "payment", "delivery", "sync", "dpd", "dunning", "mahn", "tax", "employment"})
"""Words of names of another status than that of the holding."""


def _set(text: str) -> frozenset[str]:
    return frozenset(normal(one) for one in text.split())


_OVER = _set(
    "closed close ended end terminated termination lapsed lapse surrendered surrender matured maturity expired repaid "
    "settled foreclosed foreclosure writtenoff writeoff chargedoff paidoff fullypaid redeemed cancelled canceled "
    "cleared "
    "inactive former left dead deceased death transferredout liquidated discontinued withdrawn sold returned rescinded "
    "gelöscht beendet beendigt geschlossen gekündigt gekuendigt aufgelöst abgelaufen ausgelaufen getilgt zurückgezahlt "
    "rückabgewickelt storniert storno erloschen inaktiv verkauft zurückgekauft rückkauf abgerechnet saldiert "
    "zurückgegeben clos clôturé résilié résiliée échu soldé remboursé racheté annulé cerrado cancelado cancelada "
    "anulada vencido rescatado liquidado chiuso cessato estinto disdetto scaduto riscattato annullato gesloten "
    "beëindigd opgezegd afgelopen 已关闭 关闭 已终止 终止 已结清 结清 销户 已销户 已到期 到期 失效 退保 "
    "已赎回 已注销 注销 已解约 risolto risolta recesso riscattata estinta cls clsd term trmd mat lps canc beeindigd "
    "encerrado encerrada resgatado resgatada liquidada anulado vencida cessada chiusa cerrada avsluttet "
    "oppsagt opphørt lukket utløpt innløst avslutad uppsagd stängd inlöst opsagt ophørt zamknięty "
    "zakończony päättynyt lunastettu irtisanottu закритий закрито розірваний погашений закрыт đãtấttoán đãđóng "
    "ปิดแล้ว ไถ่ถอน ukončený ukončen splacený stopped"
)
_NEVER = _set(
    "lost prospecting prospect qualification negotiation lead "
    "rejected reject declined refused failed failure void voided invalid error draft proposal proposed quote quoted "
    "quotation nottaken nottakenup ntu pending pendingapproval submitted applied application withdrawnbycustomer "
    "abgelehnt fehlgeschlagen ungültig entwurf angebot antrag beantragt inprüfung offeriert rejeté refusé brouillon "
    "rechazado rechazada borrador rifiutato bozza geweigerd concept 已拒绝 拒绝 失败 草稿 待审批 申请中"
)
_HELD = _set(
    "active activated live open current inforce force running ongoing valid effective good performing disbursed "
    "funded booked paidup premiumpaying paying filled executed partiallyfilled partfilled completed done confirmed "
    "berhasil sukses selesai aktif zrealizowane realizovaný teljesített gerçekleşti εκτελέστηκε בוצע הושלם executado "
    "executada efetivada realizada concluída ejecutada eseguita exécutée uitgevoerd genomförd gennemført "
    "laufend läuft aktiv offen bestehend ungekündigt gültig wirksam beitragsfrei beitragspflichtig zugeteilt "
    "ausgezahlt ausgeführt teilausgeführt gesperrt blocked frozen dormant overdue delinquent arrears "
    "actif active ouvert encours vigente activo abierto attivo aperto invigore lopend actief "
    "inessere inamortamento act actv opn lopende ingegaan løpende åpen öppen aktywny ativo ativa activa "
    "aberto aberta abierta attiva aperta "
    "voimassa aktiivinen активний діючий hiệulực đanghoạtđộng ปกติ platný premiumholiday paidup "
    "正常 有效 生效 在保 存续 已成交 成交 已放款 逾期"
)
_ACCEPTED = _set(
    "won accepted approved granted angenommen genehmigt bewilligt policiert accepté aceptado accettato 已批准 通过"
)
_UNDONE = _set(
    "cancelled canceled cancel cancellation rejected expired failed void voided storniert storno gelöscht abgelehnt "
    "verfallen widerrufen annulé rejeté expiré cancelado rechazado caducado annullato rifiutato scaduto geannuleerd "
    "cancelada anulada rejeitada rejeitado expirada rechazada caducada annullata rifiutata scaduta annulée rejetée "
    "expirée anulowane odrzucone zrušeno zamítnuto törölve visszautasítva iptal reddedildi ακυρώθηκε ακυρωμένη "
    "gagal batal kadaluarsa gerçekleşmedi gerceklesmedi απορρίφθηκε απέτυχε בוטל נדחה נכשל отклонён отклонена "
    "zrušen zrušený zamítnut stornován peruttu hylätty скасовано відхилено отменен đãhủy ยกเลิก dibatalkan "
    "vervallen deleted reversed busted 已撤销 已撤 撤单 撤销 废单 已拒绝 失败 已取消 取消 撤回 "
    "キャンセル 취소 철회 거절 renoncé renonce rétracté ملغى ملغي ملغية ملغاة مرفوض visszavont batal रद्द لغو"
)
"""What says of an order that nothing came of it."""


_BEFORE = re.compile("vorbeginn|vorantritt|beforestart|beforeinception|avantledebut|antesdelinicio|primadellinizio")
"""Within what says that a contract ended before it began."""


@dataclass(frozen=True)
class States:
    """The column that says what became of holdings, and its values by that."""

    column: ColumnProfile
    over: tuple[str, ...]
    never: tuple[str, ...]
    untold: tuple[str, ...] = ()
    """Values that no word tells, and that count as held."""


def states_in(columns: Sequence[ColumnProfile], asks: Asks, *, of_orders: bool) -> States | None:
    """What a status column says of each row; None where there is none, or where it says that all are held.

    Args:
        asks: what a value means that no word tells.
        of_orders: the rows are orders, of which a status says whether they were carried out.
    """
    found = [
        (one, {text: meaning(text, of_orders=of_orders) for text in one.states}) for one in columns if is_state(one)
    ]
    if of_orders:
        found = [pair for pair in found if "never held" in pair[1].values()]
    if not found:
        return None
    column, said = max(found, key=lambda pair: sum(one is not None for one in pair[1].values()))
    known = {text: state or ("held" if of_orders else asks(column.name, text)) for text, state in said.items()}
    over, never = (tuple(text for text, one in known.items() if one == state) for state in ("over", "never held"))
    untold = tuple(text for text, state in known.items() if state == "held" and said[text] is None)
    return States(column, over, never, () if of_orders else untold) if over or never or untold else None


def is_state(column: ColumnProfile) -> bool:
    """Whether a column is a status of what its rows are."""
    found = [*words(simplified(column.name)), normal(column.name)]
    if _OTHER.intersection(found) or len(column.states) < 2:
        return False
    named = any(_NAME.search(word) for word in found)
    return named or (not looks(column.name, "action") and _says_states(column.states))


def _says_states(texts: Sequence[str]) -> bool:
    """Whether each of some texts says what became of something, and not all the same.

    What was decided on an application, and what opened an account beside what closed it, says what a customer did.

    >>> _says_states(["EXECUTADA", "CANCELADA"]), _says_states(["active", "passive"]), _says_states(["won", "lost"])
    (True, False, False)
    >>> _says_states(["opened", "closed"])
    False
    """
    said = {meaning(text) for text in texts}
    weights = [action.weight for action in actions_in(texts).values() if action is not None]
    did = _ACCEPTED.intersection(map(normal, texts)) or (weights and min(weights) < 0 < max(weights))
    return None not in said and len(said) > 1 and not did


def meaning(text: str, *, of_orders: bool = False) -> State | None:
    """What a status says; None where no word tells.

    >>> [meaning(text) for text in ("In Force", "vorzeitig gekündigt", "Written Off", "rejected", "17")]
    ['held', 'over', 'over', 'never held', None]
    >>> [meaning(text, of_orders=True) for text in ("CANCELLED", "PARTIALLY_FILLED")]
    ['never held', 'held']
    """
    parts = [normal(word) for word in words(simplified(text))]
    runs = {"".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    if of_orders:
        is_undone = bool(runs & _UNDONE) or any(part.startswith(_UNDONE_BEGINS) for part in parts)
        return "never held" if is_undone else "held" if runs & (_HELD | _OVER) else None
    if _BEFORE.search("".join(parts)):
        return "never held"
    is_denied = bool(runs & {"not", "nicht", "non", "no", "未"})
    if runs & _ACCEPTED and not is_denied:
        return "held"
    for words_of, state, other in ((_NEVER, "never held", "held"), (_OVER, "over", "held"), (_HELD, "held", "over")):
        if runs & words_of:
            return other if is_denied else state  # type: ignore[return-value]
    if any(part.startswith(_ANNULLED) for part in parts):
        return "never held"
    is_open = told(text, OPEN, CLOSED)
    return None if is_open is None else "held" if is_open else "over"


_UNDONE_BEGINS = (
    *("cancel", "annul", "anul", "storn", "sztorn", "torol", "toeroel", "torolt", "скасов", "отмен", "аннул", "анул"),
    *("makuler", "avbrut", "peruut", "perutt", "zrus", "odwol", "renonc", "desist", "batal", "afturkall"),
)
"""How words begin for what nothing came of, in whatever form the language gives them."""
_ANNULLED = ("annul", "anul", "аннул", "анул", "poništ", "ponist", "tühist", "atcelt")
"""How words begin for what counts as if it had never been."""
