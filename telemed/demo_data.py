"""Who and what the demo installation holds: real places, invented people. Tables only."""

# code, name, English name, tier, county
HOSPITALS = (
    ("provincial", "山西省人民医院", "Shanxi Provincial People's Hospital", "provincial", ""),
    ("first", "山西医科大学第一医院", "First Hospital of Shanxi Medical University", "provincial", ""),
    ("second", "山西医科大学第二医院", "Second Hospital of Shanxi Medical University", "provincial", ""),
    ("bethune", "山西白求恩医院", "Shanxi Bethune Hospital", "provincial", ""),
    ("yangqu", "阳曲县人民医院", "Yangqu County People's Hospital", "county", "阳曲县"),
    ("yanhu", "盐湖区人民医院", "Yanhu District People's Hospital", "county", "盐湖区"),
    ("wanrong", "万荣县人民医院", "Wanrong County People's Hospital", "county", "万荣县"),
    ("gaoping", "高平市人民医院", "Gaoping People's Hospital", "county", "高平市"),
    ("xiaoyi", "孝义市人民医院", "Xiaoyi People's Hospital", "county", "孝义市"),
    ("nitun", "泥屯镇中心卫生院", "Nitun Township Health Centre", "township", "阳曲县"),
    ("mishan", "米山镇中心卫生院", "Mishan Township Health Centre", "township", "高平市"),
    ("jiachu", "贾村乡卫生院", "Jiachu Township Health Centre", "township", "万荣县"),
    ("haizhou", "解州镇中心卫生院", "Haizhou Township Health Centre", "township", "盐湖区"),
    ("gaoyang", "高阳镇中心卫生院", "Gaoyang Township Health Centre", "township", "孝义市"),
)

# name, English name, specialty
SUPERIOR_DEPARTMENTS = (
    ("心血管内科", "Cardiology", "cardiology"),
    ("医学影像科", "Radiology", "radiology"),
    ("神经内科", "Neurology", "neurology"),
    ("呼吸与危重症医学科", "Respiratory Medicine", "respiratory"),
    ("皮肤科", "Dermatology", "dermatology"),
)
COUNTY_DEPARTMENTS = (("内科", "Internal Medicine", "general"), ("急诊科", "Emergency", "emergency"))
TOWNSHIP_DEPARTMENTS = (("全科", "General Practice", "general"),)

# user name, name, English name, role, hospital, specialty, title
PEOPLE = (
    ("doctor.nitun", "李秀兰", "Li Xiulan", "doctor", "nitun", "general", "attending"),
    ("zhao.nitun", "赵强", "Zhao Qiang", "doctor", "nitun", "general", "resident"),
    ("doctor.haizhou", "王建国", "Wang Jianguo", "doctor", "haizhou", "general", "attending"),
    ("doctor.mishan", "郭爱萍", "Guo Aiping", "doctor", "mishan", "general", "attending"),
    ("doctor.yangqu", "任志刚", "Ren Zhigang", "doctor", "yangqu", "general", "associate_chief"),
    ("doctor.gaoyang", "侯丽君", "Hou Lijun", "doctor", "gaoyang", "general", "resident"),
    ("expert.provincial", "张文博", "Zhang Wenbo", "expert", "provincial", "cardiology", "chief"),
    ("liu.provincial", "刘敏", "Liu Min", "expert", "provincial", "cardiology", "attending"),
    ("expert.bethune", "陈静", "Chen Jing", "expert", "bethune", "radiology", "associate_chief"),
    ("he.bethune", "贺立平", "He Liping", "expert", "bethune", "dermatology", "chief"),
    ("expert.first", "马晓东", "Ma Xiaodong", "expert", "first", "neurology", "chief"),
    ("expert.second", "韩雪梅", "Han Xuemei", "expert", "second", "respiratory", "associate_chief"),
    ("scheduler", "孙丽", "Sun Li", "scheduler", "", "", ""),
    ("regulator", "周明", "Zhou Ming", "regulator", "", "", ""),
)

PHONES = {"scheduler": "0351-4960001"}
CARDIOLOGY, RADIOLOGY = ("expert.provincial", "cardiology"), ("expert.bethune", "radiology")
FIELDS = ("record_summary", "tests", "present_diagnosis", "reason", "question")

# The desk of RADIOLOGY's department: name, modality, findings, diagnosis, recommendation of its templates.
TEMPLATES = (
    ("胸部CT平扫 未见异常", "CT", "双肺纹理走行自然，肺野内未见异常密度影。气管及主要支气管通畅。纵隔未见肿大淋巴结。双侧胸腔未见积液。",
     "胸部CT平扫未见明显异常。", "请结合临床，必要时复查。"),
    ("头颅CT平扫 未见出血", "CT", "脑实质未见异常密度影，脑室系统大小形态正常，脑沟脑池未见增宽，中线结构居中。颅骨未见骨折。",
     "头颅CT平扫未见颅内出血。", "外伤后24小时内如头痛加重、呕吐，请立即复查。"),
    ("胸部正位片 未见异常", "DX", "双肺野清晰，肺门不大，心影大小形态正常，双侧膈面光整，肋膈角锐利。", "心肺膈未见明显异常。", ""),
    ("心电图 窦性心律", "ECG", "窦性心律，心率  次/分，PR间期  ms，QRS时限  ms，QTc  ms，ST-T未见异常。", "正常心电图。", ""),
)  # fmt: skip
TO_DESK = "马秀珍"

# asker, patient (name, sex, birth date), urgency, purpose, expert and specialty, how far it went, FIELDS in order.
# The order decides the pictures: imaging's demo takes heart, chest, skin, another's name, bones in turn.
CASES = (
    (
        "doctor.nitun",
        ("王桂英", "female", "1956-03-08"),
        "urgent",
        "diagnosis",
        CARDIOLOGY,
        "accepted",
        "反复胸闷3天，加重2小时，伴出汗。高血压10年。血压145/90mmHg，心率88次/分。",
        "心电图：V1-V4 ST段压低0.1mV。肌钙蛋白阴性。",
        "冠心病？不稳定型心绞痛？",
        "心电图改变，本院无心血管专科。",
        "是否需要立即转诊行冠脉造影？转运前如何用药？",
    ),
    (
        "doctor.nitun",
        ("张大山", "male", "1961-05-20"),
        "routine",
        "diagnosis",
        RADIOLOGY,
        "offered",
        "咳嗽、痰中带血丝2周，吸烟40年。无发热，体重半年下降4公斤。",
        "胸部CT平扫、头颅CT和支气管镜活检切片已上传。血常规正常。",
        "右肺占位待查",
        "本院无影像诊断医师。",
        "病灶性质如何考虑？是否需要增强CT或穿刺？",
    ),
    (
        "doctor.nitun",
        ("刘小宝", "male", "2019-09-12"),
        "routine",
        "treatment",
        ("he.bethune", "dermatology"),
        "submitted",
        "双下肢皮疹5天，伴瘙痒，无发热，无关节痛。",
        "血小板230×10⁹/L，尿常规正常。",
        "过敏性紫癜？",
        "皮疹性质难以判断。",
        "是否需要住院？需要复查哪些项目？",
    ),
    (
        "doctor.nitun",
        ("马秀珍", "female", "1949-11-02"),
        "urgent",
        "imaging",
        RADIOLOGY,
        "triage",
        "跌倒后头痛1天，无呕吐，神志清楚。口服阿司匹林。",
        "头颅CT已上传，心电图窦性心律。",
        "头部外伤",
        "夜间本院无影像医师。",
        "是否有颅内出血？可否在本院观察？",
    ),
    (
        "doctor.haizhou",
        ("薛万福", "male", "1958-01-15"),
        "routine",
        "diagnosis",
        RADIOLOGY,
        "accepted",
        "腰背痛3月，夜间加重。前列腺癌术后2年。",
        "骨显像与腰椎MR已上传。PSA 6.2ng/mL。",
        "骨转移待排",
        "需影像专科会诊。",
        "是否为骨转移？下一步检查建议？",
    ),
    (
        "doctor.nitun",
        ("高凤英", "female", "1964-07-30"),
        "urgent",
        "treatment",
        CARDIOLOGY,
        "opinion_due",
        "活动后气短半年，加重1周，双下肢水肿。",
        "BNP 860pg/mL，超声心动图已上传。",
        "心力衰竭",
        "调整治疗方案需专科意见。",
        "利尿剂与ARNI如何调整？",
    ),
    (
        "doctor.nitun",
        ("田富贵", "male", "1953-12-19"),
        "emergency",
        "diagnosis",
        CARDIOLOGY,
        "signed",
        "突发胸痛1小时，向左肩放射。糖尿病15年。",
        "心电图：II、III、aVF ST段抬高。",
        "急性下壁心肌梗死？",
        "需立即决定再灌注方式。",
        "就地溶栓还是转运直接PCI？",
    ),
    (
        "doctor.haizhou",
        ("卫巧玲", "female", "1970-04-04"),
        "routine",
        "diagnosis",
        ("expert.bethune", "radiology"),
        "signed",
        "体检发现肺结节。无症状。",
        "胸部CT已上传。",
        "肺结节",
        "需判断随访间隔。",
        "结节分类与随访建议？",
    ),
    (
        "doctor.nitun",
        ("郝玉梅", "female", "1972-08-25"),
        "routine",
        "treatment",
        CARDIOLOGY,
        "acknowledged",
        "阵发性心悸2年，每月发作1次，可自行终止。",
        "心电图已上传，甲状腺功能正常。",
        "阵发性室上性心动过速",
        "发作频率增加。",
        "是否建议射频消融？",
    ),
    (
        "doctor.nitun",
        ("王桂英", "female", "1956-03-08"),
        "routine",
        "treatment",
        CARDIOLOGY,
        "closed",
        "高血压10年，三联降压药血压仍160/95mmHg。",
        "肾功能正常，血钾3.9mmol/L。",
        "难治性高血压",
        "降压方案调整。",
        "是否需要筛查继发性高血压？",
    ),
    (
        "doctor.nitun",
        ("段有才", "male", "1966-02-17"),
        "routine",
        "diagnosis",
        ("expert.second", "respiratory"),
        "needs_info",
        "慢性咳嗽3年，冬季加重，活动后气喘。",
        "胸片双肺纹理增粗。",
        "慢阻肺？",
        "本院不能做肺功能。",
        "是否可以诊断慢阻肺？吸入药如何选择？",
    ),
    (
        "doctor.nitun",
        ("孟兰花", "female", "1980-06-06"),
        "routine",
        "diagnosis",
        ("expert.first", "neurology"),
        "returned",
        "头痛1月，双侧紧箍样。",
        "神经系统查体未见异常。",
        "紧张型头痛",
        "要求专家看诊。",
        "是否需要头颅MR？",
    ),
    (
        "doctor.mishan",
        ("牛建军", "male", "1975-10-10"),
        "urgent",
        "diagnosis",
        ("expert.first", "neurology"),
        "submitted",
        "左侧肢体无力3小时，言语清楚。",
        "血糖7.8mmol/L，血压170/100mmHg。",
        "急性脑梗死？",
        "是否在溶栓时间窗内。",
        "是否转运至上级医院溶栓或取栓？",
    ),
    (
        "doctor.nitun",
        ("秦小燕", "female", "1993-03-27"),
        "routine",
        "diagnosis",
        ("he.bethune", "dermatology"),
        "draft",
        "面部红斑2月，日晒后加重。",
        "抗核抗体待查。",
        "",
        "",
        "",
    ),
    (
        "doctor.nitun",
        ("张大山", "male", "1961-05-20"),
        "routine",
        "diagnosis",
        RADIOLOGY,
        "closed",
        "反复头晕1周，无头痛、呕吐，无肢体无力。高血压5年，血压150/90mmHg。",
        "头颅CT平扫已上传。血糖5.6mmol/L。",
        "头晕待查",
        "本院无影像诊断医师。",
        "颅内有无病变？是否需要进一步检查？",
    ),
)

# Who has images of their own, by name and how far it went: a function of imaging's demo
PICTURES = {("张大山", "offered"): "biopsy", ("张大山", "closed"): "earlier_head"}

# Who signs for whom, where the patient cannot: name and relation
GUARDIANS = {"刘小宝": ("刘志强", "parent")}

# patient -> findings, diagnosis, recommendation
OPINIONS = {
    "张大山": (
        "头颅CT平扫：脑实质未见异常密度影，脑室系统大小形态正常，中线结构居中，颅骨未见骨折。",
        "头颅CT平扫未见明显异常",
        "控制血压，门诊随访；如出现头痛、呕吐或肢体无力，及时复查头颅CT。",
    ),
    "田富贵": (
        "II、III、aVF导联ST段抬高，符合急性下壁心肌梗死；血压稳定，未见恶性心律失常。",
        "急性下壁ST段抬高型心肌梗死，Killip I级",
        "预计120分钟内能到达PCI中心者直接转运；否则无禁忌证时就地溶栓，随后立即转运。立即嚼服阿司匹林300mg并口服氯吡格雷；"
        "加做右胸及后壁导联，右室受累时慎用硝酸酯；持续心电监护，备除颤。",
    ),
    "卫巧玲": (
        "右肺上叶实性结节，直径约6mm，边缘光滑，未见分叶、毛刺及胸膜牵拉；纵隔淋巴结不大。",
        "右肺上叶实性小结节，良性可能性大",
        "6至12个月后复查低剂量薄层CT，同层面对比；如增大或形态改变，再行进一步检查。",
    ),
    "郝玉梅": (
        "窦性心律，未见预激波；病史符合突发突止的心动过速。",
        "阵发性室上性心动过速，房室结折返性可能性大",
        "建议心脏电生理检查，首选导管射频消融。发作时先行改良Valsalva动作；无效且血流动力学稳定者静脉应用腺苷。",
    ),
    "王桂英": (
        "三联降压药治疗下血压仍160/95mmHg；血钾3.9mmol/L，肾功能正常。",
        "难治性高血压，继发性高血压待排",
        "先以24小时动态血压排除白大衣效应，核实服药依从性；筛查醛固酮/肾素比值、肾动脉和睡眠呼吸暂停；"
        "可加用螺内酯20mg每日1次，1周后复查血钾和肌酐。",
    ),
}
# ICD-10 beside the words: of a present diagnosis, of a patient's opinion
PRESENT_CODES = {
    "冠心病？不稳定型心绞痛？": "I20.0 I25.1", "过敏性紫癜？": "D69.0", "头部外伤": "S09.9", "心力衰竭": "I50.9",
    "急性下壁心肌梗死？": "I21.1", "肺结节": "R91", "阵发性室上性心动过速": "I47.1", "难治性高血压": "I10", "慢阻肺？": "J44.9",
    "急性脑梗死？": "I63.9",
}  # fmt: skip
OPINION_CODES = {"田富贵": "I21.1", "卫巧玲": "R91", "郝玉梅": "I47.1", "王桂英": "I10 I15.9"}
CHAT = {
    "cardiology": (
        ("asker", "患者现在血压稳定，家属在旁。"),
        ("expert", "好的，请把最近一次心电图再传一份。"),
        ("asker", "已经上传，请看第一张。"),
    ),
    "radiology": (
        ("asker", "CT已全部上传，薄层也在。"),
        ("expert", "收到。有没有以前的片子可以对比？"),
        ("asker", "没有，这是第一次检查。"),
    ),
}
