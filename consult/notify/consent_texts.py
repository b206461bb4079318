"""The first version of the consent texts, in both languages. A changed text is published as a new version."""

INITIAL: dict[str, dict[str, str]] = {
    "consultation": {
        "zh-hans": """远程医疗会诊知情同意书

一、会诊目的：为明确诊断、制定治疗方案，经治医师建议邀请上级医院专家通过远程医疗平台进行会诊。
二、传送内容：为完成会诊，您的姓名、性别、年龄、病历摘要、检验检查结果及影像资料将通过加密网络传送给受邀医院的会诊专家，仅用于本次会诊，并按规定保存。
三、会诊方式：会诊可通过实时视频或书面方式进行。视频通话不录像；如需录像，将另行征得您的同意。
四、会诊意见：会诊专家的意见供您的经治医师参考，最终诊疗方案由经治医师根据您的病情决定。
五、局限与风险：远程会诊不能代替专家当面查体；可能因网络或设备原因中断、延迟或改期；资料不全可能影响会诊结论。
六、您的权利：您可以拒绝或随时撤回同意，不影响您在本院接受常规诊疗；您可以查阅已签署的会诊意见。

本人已阅读并理解以上内容，经治医师已解答我的疑问，我同意进行远程会诊。""",
        "en": """Informed consent to a remote consultation

1. Purpose: to settle the diagnosis or the treatment, your doctor advises asking a specialist of a superior hospital \
through the telemedicine platform.
2. What is sent: your name, sex, age, a summary of your record, test results and images are sent over an encrypted \
network to the specialists who are asked. They are used for this consultation only and kept as the law requires.
3. How: by live video or in writing. The call is not recorded; a recording would need your separate consent.
4. The opinion: the specialist's opinion advises your doctor, who decides on your treatment.
5. Limits and risks: a remote consultation cannot replace an examination in person; network or equipment may interrupt \
or delay it; incomplete documents may affect its result.
6. Your rights: you may refuse, or withdraw your consent at any time, without effect on your usual care here. You may \
read the signed opinion.

I have read and understood this, my questions were answered, and I agree to the remote consultation.""",
    },
    "recording": {
        "zh-hans": """远程会诊录像知情同意书

本人同意对本次远程会诊的音视频进行录制。录像加密保存，仅供医疗质量管理及法律规定的用途，未经授权不得查看或复制。
我可以拒绝录像而不影响会诊，也可以随时要求停止录制。""",
        "en": """Consent to recording the call

I agree that sound and picture of this remote consultation are recorded. The recording is kept encrypted, for the \
quality of care and for what the law requires, and nobody views or copies it without permission. I may refuse without \
effect on the consultation, and may have the recording stopped at any time.""",
    },
}
