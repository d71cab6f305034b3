"""The languages of reasons: one table of sentences each, and how each writes dates and names.

Placeholders: i the product, a the customer's own neighbour, n people, does / did / verb what an edge type says, label a
label's word, mid the node between. A mapping's own sentences and words stand over these (docs/mappings.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from graphrec.schema import LANGUAGES


@dataclass(frozen=True)
class Language:
    """How one language says what lines and lists mean."""

    name: str
    sentences: Mapping[str, str]
    words: Mapping[str, str]
    """Edge types as verbs, in the form that fits the sentences, and labels."""
    date: str
    """Format of a date from {day}, {month}, {month_name} and {year}."""

    def write_date(self, at: datetime) -> str:
        """A date as people of this language write it."""
        return self.date.format(day=at.day, month=at.month, month_name=_MONTHS[at.month - 1], year=at.year)

    def fill(self, template: str, values: Mapping[str, str]) -> str:
        """A sentence with its placeholders filled and the spaces that the script asks for.

        Chinese has one between its signs and Latin letters or digits, but never within a value: a name stays as it is.
        """
        if self.name != "zh":
            return template.format_map(values)
        marked = {name: f"{_BEGIN}{value}{_END}" for name, value in values.items()}
        text = _BORDER.sub(" ", _HAN_LATIN.sub(" ", template).format_map(marked))
        return text.replace(_BEGIN, "").replace(_END, "")

    def punctuate(self, text: str) -> str:
        """A list of phrases with the marks of the script."""
        return text if self.name != "zh" else text.replace(", ", "，").replace("; ", "；")


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
#: Marks of where a value begins and ends: signs that no text holds.
_BEGIN, _END = "\ue000", "\ue001"
_BORDER = re.compile(
    "(?<=[\u4e00-\u9fff])[\ue000\ue001]+(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%+.])[\ue000\ue001]+(?=[\u4e00-\u9fff])"
)
_HAN_LATIN = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%+.])(?=[\u4e00-\u9fff])")

ENGLISH = Language(
    "en",
    {
        "general+": "{i} is widely held",
        "general-": "{i} is not widely held",
        "new+": "{i} is new: nobody holds it yet",
        "new-": "{i} is not new: others hold it",
        "profile+": "{i} fits your profile",
        "profile-": "{i} does not fit your profile",
        "self+": "what was learned about you alone speaks for {i}",
        "self-": "what was learned about you alone speaks against {i}",
        "nonlinear+": "all that is around you, taken together, speaks for {i}",
        "nonlinear-": "all that is around you, taken together, speaks against {i}",
        "attribute+": "customers with {label} {a} tend towards {i}",
        "attribute-": "customers with {label} {a} tend away from {i}",
        "text+": "the description of {i} is close to that of {a}, which you {verb}",
        "text-": "the description of {i} is far from that of {a}, which you {verb}",
        "block+": "the {block} of {i} is close to that of {a}, which you {verb}",
        "block-": "the {block} of {i} is far from that of {a}, which you {verb}",
        "learned+": "{i} goes well with {a}, which you {verb}",
        "learned-": "{i} goes less well with {a}, which you {verb}",
        "own": "you {verb} {i}",
        "connected": "{n} people connected with you lead to {i}",
        "people interaction": "{n} others who {verb} {a} {last} {i}",
        "people attribute": "{n} others with {label} {a} {last} {i}",
        "linked interaction": "{i} is linked with {a}, which you {verb}",
        "linked attribute": "{i} is linked with your {a}",
        "shared interaction": "{i} shares the {between} {mid} with {a}, which you {verb}",
        "shared attribute": "{i} shares the {between} {mid} with your {a}",
        "unknown verb": "have a link ({type}) to",
        "rank": "rank",
        "product": "product",
        "name": "name",
        "kind": "kind",
        "score": "score",
        "of which": "of which",
        "as of": "as of {date}",
        "rest": "everything else",
        "many": "many",
        "all rest": "all of it: no line is large enough to stand alone",
        "composition": "of these scores {parts}",
        "path": "{share} on real paths",
        "text": "{share} texts that are alike",
        "learned": "{share} learned from dealings",
        "attribute": "{share} attributes",
        "general": "{share} popularity",
        "new": "{share} because the product is new",
        "self": "{share} who the user is (user-ID)",
        "nonlinear": "{share} not linear in what the user has",
        "gradients": "integrated gradients over {edges} edges around it: completeness gap {gap}",
        "small groups": "{share} lie behind groups smaller than {n}, which are not shown",
        "adds up": "the lines add up to the score; of it {parts}; confidence {confidence}",
        "placed": "rank {rank} · score {score}",
        "too few": "ways through too few people to be shown",
        "rounding": "rounding",
        "deleted edge": "deleted edge",
        "to": "to",
        "predicted": "predicted",
        "actual": "actual",
        "gap": "gap",
        "recomputed": "computed anew without the edge: {terms}; learned weights (W) held fixed: {folded}",
        "held fixed": (
            "held fixed: each term's spread (sd), the weights of terms and walks, the other candidates; "
            "the lines miss the model's own score by {error} of their sum"
        ),
        "withheld": (
            "left out: {n} edges that begin a way on which fewer than {least} other people stand for this product"
        ),
        "share": "share",
        "contrast": "contrast",
        "term": "term",
        "line": "line",
        "no list": "there is nothing to recommend to {user}",
        "no evidence": (
            "there is not enough evidence for {user}: no interaction, attribute or text that the model knows"
        ),
        "unknown product": "{i} came after the model was fitted, so that no score of it is known; run: graphrec train",
        "nothing speaks": "products left out, since nothing that is known of {user} speaks for or against them: {n}",
        "few left": "products left that {user} does not hold and that are offered: {n}",
        "few allowed": "products left for {user}: {n}; the rules that left out the others: {rules}",
        "none allowed": "nothing is shown to {user}: {why}",
        "none sure": "no product reaches the confidence of {least} that was asked for; the best has {best}",
        "one unsure": (
            "one more product is left out: it does not reach the confidence of {least} that was asked for; "
            "the best has {best}"
        ),
        "some unsure": (
            "{n} more products are left out: they do not reach the confidence of {least} that was asked for; "
            "the best has {best}"
        ),
    },
    {},
    "{day} {month_name} {year}",
)

CHINESE = Language(
    "zh",
    {
        "general+": "很多客户持有{i}",
        "general-": "持有{i}的客户不多",
        "new+": "{i}是新产品，尚无客户持有",
        "new-": "{i}不是新产品，已有客户持有",
        "profile+": "{i}符合您的个人情况",
        "profile-": "{i}与您的个人情况不太相符",
        "self+": "仅从您本人学到的内容倾向于{i}",
        "self-": "仅从您本人学到的内容不倾向于{i}",
        "nonlinear+": "您周围的一切综合起来倾向于{i}",
        "nonlinear-": "您周围的一切综合起来不倾向于{i}",
        "attribute+": "{label}为{a}的客户更倾向于选择{i}",
        "attribute-": "{label}为{a}的客户较少选择{i}",
        "text+": "{i}的产品介绍与您{verb}的{a}相近",
        "text-": "{i}的产品介绍与您{verb}的{a}相差较大",
        "block+": "{i}的{block}与您{verb}的{a}相近",
        "block-": "{i}的{block}与您{verb}的{a}相差较大",
        "learned+": "{i}与您{verb}的{a}很搭配",
        "learned-": "{i}与您{verb}的{a}不太搭配",
        "own": "您{verb}{i}",
        "connected": "{n}位与您有联系的人也选择了{i}",
        "people interaction": "另有{n}位{verb}{a}的客户也{last}{i}",
        "people attribute": "另有{n}位{label}同为{a}的客户{last}{i}",
        "linked interaction": "{i}与您{verb}的{a}有关联",
        "linked attribute": "{i}与您的{a}有关联",
        "shared interaction": "{i}与您{verb}的{a}有相同的{between}：{mid}",
        "shared attribute": "{i}与您的{a}有相同的{between}：{mid}",
        "unknown verb": "关联",
        "rank": "排名",
        "product": "产品",
        "name": "名称",
        "kind": "类型",
        "score": "得分",
        "of which": "其中",
        "as of": "截至{date}",
        "rest": "其余部分",
        "many": "很多",
        "all rest": "全部：没有足以单独列出的理由",
        "composition": "以上得分中，{parts}",
        "path": "{share}来自图中真实路径",
        "text": "{share}来自相近的产品介绍",
        "learned": "{share}来自往来记录中学到的搭配",
        "attribute": "{share}来自客户属性",
        "general": "{share}来自产品的普及程度",
        "new": "{share}因为产品是新的",
        "self": "{share}来自客户身份（用户 ID）",
        "nonlinear": "{share}来自非线性部分",
        "gradients": "对周围{edges}条边的积分梯度：完备性误差{gap}",
        "small groups": "{share}来自少于{n}人的群体，不予展示",
        "adds up": "各行之和即为得分，其中{parts}；置信度{confidence}",
        "placed": "排名{rank} · 得分{score}",
        "too few": "经由人数过少的群体，不予展示",
        "rounding": "舍入误差",
        "deleted edge": "删除的边",
        "to": "指向",
        "predicted": "预计变化",
        "actual": "实际变化",
        "gap": "差异",
        "recomputed": "删除后重新计算：{terms}；学得的权重（W）保持不变：{folded}",
        "held fixed": (
            "保持不变：各项的离散度（sd）、各项与各路径的权重、其他候选产品；各行之和与模型得分的相对差异为{error}"
        ),
        "withheld": "未列出{n}条边：经由它们通向该产品的其他客户少于{least}人",
        "share": "贡献",
        "contrast": "对比",
        "term": "模型项",
        "line": "内容",
        "no list": "暂无可推荐给{user}的产品",
        "no evidence": "关于{user}的依据不足：没有模型所了解的往来、属性或文字资料",
        "unknown product": "{i}在模型训练之后才出现，暂无得分；请运行：graphrec train",
        "nothing speaks": "另有{n}种产品因{user}的已知信息与之无关而未列出",
        "few left": "除{user}已持有和已停售的产品外，仅剩{n}种产品",
        "few allowed": "仅剩{n}种产品可推荐给{user}；其余产品由以下规则排除：{rules}",
        "none allowed": "不向{user}推荐任何产品：{why}",
        "none sure": "没有产品达到所要求的置信度{least}，最高为{best}",
        "one unsure": "另有一种产品未列出：未达到所要求的置信度{least}，最高为{best}",
        "some unsure": "另有{n}种产品未列出：未达到所要求的置信度{least}，最高为{best}",
    },
    {
        "BOUGHT": "买过",
        "SOLD": "卖出过",
        "HELD": "持有过",
        "HOLDS": "持有",
        "OWNS": "持有",
        "VIEWED": "浏览过",
        "SAW": "看过",
        "READ": "读过",
        "LIKES": "喜欢",
        "LIKED": "喜欢",
        "CHOSE": "选择过",
        "TOOK": "选择过",
        "TRADED": "交易过",
        "INTERACTED": "选择过",
        "REJECTED": "拒绝过",
        "AgeBand": "年龄段",
        "Branch": "网点",
        "Category": "类别",
        "Country": "国家",
        "Horizon": "投资期限",
        "IncomeBand": "收入水平",
        "Industry": "行业",
        "Issuer": "发行机构",
        "JoinMonth": "开户月份",
        "JoinYear": "开户年份",
        "Occupation": "职业",
        "OccupationCategory": "职业类别",
        "Region": "地区",
        "RiskTolerance": "风险承受能力",
        "Sector": "行业",
        "Segment": "客户类别",
    },
    "{year} 年 {month} 月 {day} 日",
)

_ALL = {language.name: language for language in (ENGLISH, CHINESE)}
assert tuple(_ALL) == LANGUAGES, "a table for every language of the schema"


def language_of(name: str) -> Language:
    """The language of that name, one of LANGUAGES."""
    return _ALL[name]
