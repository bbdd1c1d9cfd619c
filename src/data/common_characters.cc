#include "data/common_characters.h"

#include <algorithm>
#include <string_view>

namespace maru::data {
namespace {

// The syllables behind 93 % of those of Korean documentation, law and novels.
constexpr std::u16string_view kKorean =
    u"가각간감값강같개거건걸검것게겠격결경계고공과관구국권규그근금급기까나난날"
    u"남내너네년노놓누눈느는늘능니다단달당대더던데도돌동되된될두뒤드든들듯등디"
    u"따때또라람랑래량러런렇레렉려력령로록롤료루륨르른를름리린릴릿링마만말매머"
    u"먹먼메며면명모목못무문물미민및바반받발방배백버번벌법변별보복본볼부분불브"
    u"블비사삭산살상새생서선설성세셋션소속손송수순스습시식신실심아안않알았애야"
    u"약양어언얼업없었에엔여역연열였영예오온올와외요용우운울웃워원위유으은을음"
    u"의이인일임입있자작잡장재저적전절점접정제젝져조존종주죽준줄중증지직진질집"
    u"차참책처청체초최추출치칙침카커컨케코쿠크클키타태택터턴테템토통트특티파패"
    u"퍼페편포표풀프플피필하한할함합항해했행향허현형호화확환활회효후히";

// Han characters behind 82 % of those of Japanese documentation and encyclopedia articles.
constexpr std::u16string_view kJapanese =
    u"一万三上下不与世両中主了予争事二交人介仕他付代以仮件任会位低住体何作使例"
    u"供価係保信修個値備働優元先党入全公共内再処出分切列初判別利制削前割力加労"
    u"効動務勝化北区半協南単原参反取受古可台号各合同名向含味呼命和品員問回団国"
    u"土在地型域基報場境変外多大天失奨始委子字存学安完定実害家容対導小少局属山"
    u"島州市帝師常平年府度建式引張強当形影役後従得御心必応性情想意態成戦所手打"
    u"投択拡持指挙接推提換支改放政敗教数整文断新方族既日明時更書最月有朝期本条"
    u"来東果査格梅検業構様標権機次止正武民気水求決油治法注活派流海済源準点無照"
    u"版物特状独率王現球理環生産用田由界番異発的皇監目直相県知石確示社私称移種"
    u"空立第等管範築系紀約素細終組経結統続総線置義習考者職能自般英落薬行術表装"
    u"補複西要見規視解言計記設許証詳認語説読誰調論識議象貨資質起身軍込近追退送"
    u"通造連進運道達適選避部都配重野量金録長開間関降限除際集離雨電非面音響項順"
    u"領題類高";

// The most frequent Han characters of Chinese, in their simplified form; behind 70 % of those of encyclopedia articles.
constexpr std::u16string_view kSimplified =
    u"一万三上下不与且世业东两个中为主么义之也书了争事二于五些交产人什今介从他"
    u"代令以们件任会传但位住体何作你使例供便保信修候做像儿先光克入全公共关其具"
    u"内册再写军决况准几出分切列则创利别到制前力功加务动助包化北区十协单南即却"
    u"原去参又及反发取受变口只可司各合同名后向否听启告员命和品器四回因固国在地"
    u"场基声处备复外多大天太头女她好如始子存学它安完定实家容密对导将小少尔就展"
    u"山工己已市布师带帮常平年并序应度建开式引张强当录形很得德心必思性总息您情"
    u"想意感成我或战户所手才打找把护报拉择持指据接提操支改放政教数文斯新方无日"
    u"时明映是显更最月有服望期本术机权条来果查标样核格案档检模次正此死每比民气"
    u"水求没治法注活测海清源点然版物特献王现理生用由电界白的盘目直相看真眼着知"
    u"码硬确磁示社神种科程空立章第等算管类系级组经结给络统维网置美老者而能自至"
    u"色节获行表被装西要见观规觉解计认让议记许论设识试话该语说请象贡质资走起路"
    u"身软载边达过运还这进适选通道那部都配里重量金键长门问间队附院难需非面页项"
    u"预领题马驱高默";

// The same in their traditional form, and those of documentation in it.
constexpr std::u16string_view kTraditional =
    u"一三上下不且世並中主之也了事二五些交享人什今他代以件任但位住何作你使來例"
    u"供便保信修個們候做傳像先光克免兒入內全兩公共其具再出分切別利到制則前創力"
    u"功加助動務包化北區十協南即卻原去參又及反取受口只可司各合同名向否告命和品"
    u"員哪問單嘗四回因國團在地基報場外多夠大天太女她好如始子學它守安完定家容實"
    u"寫將專尋對導小少就展山工己已市希師帶常幫平年幾度建式引張強形很律後得從德"
    u"心必思性您情想意感態慮應成我或戰戶所手才打找技把投拉持指接提據支改放政教"
    u"數文斯新方於日明易是時更書最會月有望期本東果某查格案條業標樣機權次正此死"
    u"每比民氣水求決沒治況法活流海清源準為無然爭爲爾版物特獲獻王現理生產用由界"
    u"當發白的目直相看真眼知確碼社神科程種空立第等策管簡系組結給統經維網總織美"
    u"群義老考者而聲聽能自至與色花萬著處行術表被裡西要見規覺觀解言計訊討記設許"
    u"試話該認說請論證識議護變讓象貢資走起路身軍軟這通進運過道達適還邊那部都釋"
    u"里重量金錯長門開間關限院隊難電需非面領頭題願類馬體高麼點";

bool holds(std::u16string_view sorted, char16_t c) { return std::binary_search(sorted.begin(), sorted.end(), c); }

}  // namespace

bool is_common_korean(char16_t c) { return (c >= 0x3131 && c <= 0x3163) || holds(kKorean, c); }
bool is_common_japanese(char16_t c) {
  return (c >= 0x3041 && c <= 0x3096) || (c >= 0x30A1 && c <= 0x30FC) || holds(kJapanese, c);
}
bool is_common_simplified(char16_t c) { return holds(kSimplified, c); }
bool is_common_traditional(char16_t c) { return holds(kTraditional, c); }

}  // namespace maru::data
