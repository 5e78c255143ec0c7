<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
  <context>
    <name>AboutDialog</name>
    <message>
      <source>About Gemma MLX</source>
      <translation>关于 Gemma MLX</translation>
    </message>
    <message>
      <source>Fine-tune and run Google’s Gemma on your own Mac. Everything stays on this machine.</source>
      <translation>在自己的 Mac 上微调并运行 Google 的 Gemma。一切都留在这台机器上。</translation>
    </message>
    <message>
      <source>Licences</source>
      <translation>许可证</translation>
    </message>
    <message>
      <source>Version {version}</source>
      <translation>版本 {version}</translation>
    </message>
  </context>
  <context>
    <name>Banner</name>
    <message>
      <source>Dismiss this message</source>
      <translation>关闭此消息</translation>
    </message>
    <message>
      <source>Dismiss</source>
      <translation>关闭</translation>
    </message>
    <message>
      <source>To mend it: {fix}</source>
      <translation>解决办法：{fix}</translation>
    </message>
    <message>
      <source>Kept: {kept}</source>
      <translation>已保留：{kept}</translation>
    </message>
  </context>
  <context>
    <name>Chart</name>
    <message>
      <source>Wheel or pinch: zoom. Drag: move. Double click: show all.</source>
      <translation>滚轮或双指缩放；拖动平移；双击显示全部。</translation>
    </message>
    <message>
      <source>Step {step}</source>
      <translation>第 {step} 步</translation>
    </message>
  </context>
  <context>
    <name>ChatPage</name>
    <message>
      <source>Chat</source>
      <translation>聊天</translation>
    </message>
    <message>
      <source>New Chat</source>
      <translation>新聊天</translation>
    </message>
    <message>
      <source>History</source>
      <translation>历史</translation>
    </message>
    <message>
      <source>Compare</source>
      <translation>对比</translation>
    </message>
    <message>
      <source>One prompt, two models side by side</source>
      <translation>一个提示，两个模型并排回答</translation>
    </message>
    <message>
      <source>Settings</source>
      <translation>设置</translation>
    </message>
    <message>
      <source>There is no model to talk to yet</source>
      <translation>还没有可以聊天的模型</translation>
    </message>
    <message>
      <source>A chat needs a Gemma on this computer. Download or import one, then come back here.</source>
      <translation>聊天需要本机上有一个 Gemma。请下载或导入一个，然后回到这里。</translation>
    </message>
    <message>
      <source>Go to Models</source>
      <translation>前往“模型”</translation>
    </message>
    <message>
      <source>An answer is being written.</source>
      <translation>正在写回答。</translation>
    </message>
    <message>
      <source>Everything stays on this computer</source>
      <translation>一切都留在这台电脑上</translation>
    </message>
    <message>
      <source>Its answers to the same prompts appear here.</source>
      <translation>它对相同提示的回答会显示在这里。</translation>
    </message>
    <message>
      <source>The other side</source>
      <translation>另一侧</translation>
    </message>
    <message>
      <source>Type below, or try one of these.</source>
      <translation>在下方输入，或试试这些。</translation>
    </message>
    <message>
      <source>What is the capital of Italy?</source>
      <translation>意大利的首都是哪里？</translation>
    </message>
    <message>
      <source>What is 12 plus 7?</source>
      <translation>12 加 7 等于多少？</translation>
    </message>
    <message>
      <source>Ask something</source>
      <translation>问点什么</translation>
    </message>
  </context>
  <context>
    <name>ChatPresenter</name>
    <message>
      <source>The chat is deleted</source>
      <translation>聊天已删除</translation>
    </message>
  </context>
  <context>
    <name>CodeBlock</name>
    <message>
      <source>Code</source>
      <translation>代码</translation>
    </message>
    <message>
      <source>Copy</source>
      <translation>复制</translation>
    </message>
    <message>
      <source>Copy this code</source>
      <translation>复制这段代码</translation>
    </message>
    <message>
      <source>code</source>
      <translation>代码</translation>
    </message>
    <message>
      <source>Copied</source>
      <translation>已复制</translation>
    </message>
  </context>
  <context>
    <name>CompareView</name>
    <message>
      <source>Training loss, smoothed</source>
      <translation>训练损失（平滑）</translation>
    </message>
    <message>
      <source>Validation loss</source>
      <translation>验证损失</translation>
    </message>
    <message>
      <source>Comparison</source>
      <translation>比较</translation>
    </message>
    <message>
      <source>What differs</source>
      <translation>有何不同</translation>
    </message>
    <message>
      <source>The first {count} of the chosen runs are shown.</source>
      <translation>只显示所选运行中的前 {count} 个。</translation>
    </message>
    <message>
      <source>The settings are the same.</source>
      <translation>设置相同。</translation>
    </message>
  </context>
  <context>
    <name>Composer</name>
    <message>
      <source>Your message</source>
      <translation>你的消息</translation>
    </message>
    <message>
      <source>Ask something. Return sends, Shift-Return begins a new line.</source>
      <translation>问点什么。回车发送，Shift-回车换行。</translation>
    </message>
    <message>
      <source>Send</source>
      <translation>发送</translation>
    </message>
    <message>
      <source>Stop</source>
      <translation>停止</translation>
    </message>
    <message>
      <source>End the answer and keep what was said (Ctrl+.)</source>
      <translation>结束回答并保留已写的内容 (Ctrl+.)</translation>
    </message>
    <message>
      <source>Use of the context</source>
      <translation>上下文使用情况</translation>
    </message>
    <message>
      <source>{used} of {whole} tokens</source>
      <translation>{used} / {whole} 词元</translation>
    </message>
    <message>
      <source>nearly full: begin a new chat</source>
      <translation>快满了：请新建聊天</translation>
    </message>
  </context>
  <context>
    <name>ConfigForm</name>
    <message>
      <source>Advanced</source>
      <translation>高级</translation>
    </message>
    <message>
      <source>Must be more than {gt}.</source>
      <translation>必须大于 {gt}。</translation>
    </message>
    <message>
      <source>Must be at least {ge}.</source>
      <translation>至少为 {ge}。</translation>
    </message>
    <message>
      <source>Must be less than {lt}.</source>
      <translation>必须小于 {lt}。</translation>
    </message>
    <message>
      <source>Must be at most {le}.</source>
      <translation>至多为 {le}。</translation>
    </message>
    <message>
      <source>Must be a number.</source>
      <translation>必须是数字。</translation>
    </message>
    <message>
      <source>Must be a whole number.</source>
      <translation>必须是整数。</translation>
    </message>
    <message>
      <source>Automatic</source>
      <translation>自动</translation>
    </message>
    <message>
      <source>One a line</source>
      <translation>每行一个</translation>
    </message>
    <message>
      <source>Separated by commas</source>
      <translation>以逗号分隔</translation>
    </message>
  </context>
  <context>
    <name>ConversationView</name>
    <message>
      <source>Conversation</source>
      <translation>对话</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>模型</translation>
    </message>
    <message>
      <source>You</source>
      <translation>你</translation>
    </message>
  </context>
  <context>
    <name>DatasetsPage</name>
    <message>
      <source>Looking through the dataset</source>
      <translation>正在检查数据集</translation>
    </message>
    <message>
      <source>Open a Dataset</source>
      <translation>打开数据集</translation>
    </message>
    <message>
      <source>Datasets ({patterns})</source>
      <translation>数据集 ({patterns})</translation>
    </message>
    <message>
      <source>Open…</source>
      <translation>打开…</translation>
    </message>
    <message>
      <source>Recent</source>
      <translation>最近</translation>
    </message>
    <message>
      <source>Fine-Tune with This</source>
      <translation>用它微调</translation>
    </message>
    <message>
      <source>Datasets</source>
      <translation>数据集</translation>
    </message>
    <message>
      <source>Drop a file here: JSON lines, JSON, CSV, Parquet or plain text. You will see every row as the model sees it, and which of its words are learned.</source>
      <translation>把文件拖到这里：JSON Lines、JSON、CSV、Parquet 或纯文本。你会看到模型眼中的每一行，以及其中哪些词会被学习。</translation>
    </message>
    <message>
      <source>Open a File…</source>
      <translation>打开文件…</translation>
    </message>
    <message>
      <source>Open the Demo Dataset</source>
      <translation>打开演示数据集</translation>
    </message>
    <message>
      <source>No dataset is open</source>
      <translation>没有打开的数据集</translation>
    </message>
    <message>
      <source>Rows of the dataset</source>
      <translation>数据集的行</translation>
    </message>
    <message>
      <source>Tokens</source>
      <translation>词元</translation>
    </message>
    <message>
      <source>Learned</source>
      <translation>学习</translation>
    </message>
    <message>
      <source>Rows</source>
      <translation>行</translation>
    </message>
    <message>
      <source>Problems</source>
      <translation>问题</translation>
    </message>
    <message>
      <source>Rows that cannot be used</source>
      <translation>无法使用的行</translation>
    </message>
    <message>
      <source>Leave these rows out and use the rest</source>
      <translation>略去这些行，使用其余的行</translation>
    </message>
    <message>
      <source>No problems</source>
      <translation>没有问题</translation>
    </message>
    <message>
      <source>Every row that was looked at can be used.</source>
      <translation>检查过的每一行都可以使用。</translation>
    </message>
    <message>
      <source>What the model learns from</source>
      <translation>模型从中学习的内容</translation>
    </message>
    <message>
      <source>{path} · {size} · {rows} rows</source>
      <translation>{path} · {size} · {rows} 行</translation>
    </message>
    <message>
      <source>It is not clear what the columns mean</source>
      <translation>无法判断各列的含义</translation>
    </message>
    <message>
      <source>Choose a format and say which column is what, beside the rows.</source>
      <translation>请在右侧选择格式，并指明每一列是什么。</translation>
    </message>
    <message>
      <source>{count} rows cannot be used</source>
      <translation>{count} 行无法使用</translation>
    </message>
    <message>
      <source>Mend them in the file and open it again, or leave them out of the training.</source>
      <translation>在文件中修正后重新打开，或在训练中略去它们。</translation>
    </message>
    <message>
      <source>Leave Them Out</source>
      <translation>略去</translation>
    </message>
    <message>
      <source>Show Them</source>
      <translation>显示</translation>
    </message>
    <message>
      <source>There is nothing to learn in this dataset</source>
      <translation>这个数据集中没有可学的内容</translation>
    </message>
    <message>
      <source>See the problems, or choose another format or other columns.</source>
      <translation>查看问题，或选择其他格式或列。</translation>
    </message>
    <message>
      <source>Rows ({count})</source>
      <translation>行 ({count})</translation>
    </message>
    <message>
      <source>Problems ({count})</source>
      <translation>问题 ({count})</translation>
    </message>
    <message>
      <source>{count} rows cannot be used.</source>
      <translation>{count} 行无法使用。</translation>
    </message>
    <message>
      <source>The first {count} are listed.</source>
      <translation>只列出前 {count} 行。</translation>
    </message>
    <message>
      <source>Try Again</source>
      <translation>重试</translation>
    </message>
    <message>
      <source>The dataset’s worker does not answer</source>
      <translation>数据集的工作进程没有响应</translation>
    </message>
    <message>
      <source>It may be swapping memory. Wait, or open the dataset again.</source>
      <translation>可能正在交换内存。请稍候，或重新打开数据集。</translation>
    </message>
  </context>
  <context>
    <name>Details</name>
    <message>
      <source>Select a model to see what it is.</source>
      <translation>选择一个模型查看详情。</translation>
    </message>
    <message>
      <source>Chat</source>
      <translation>聊天</translation>
    </message>
    <message>
      <source>Fine-Tune</source>
      <translation>微调</translation>
    </message>
    <message>
      <source>Quantize…</source>
      <translation>量化…</translation>
    </message>
    <message>
      <source>Merge into Base…</source>
      <translation>合并到基础模型…</translation>
    </message>
    <message>
      <source>Export…</source>
      <translation>导出…</translation>
    </message>
    <message>
      <source>Write it for LM Studio, Ollama, llama.cpp and other programs</source>
      <translation>写成 LM Studio、Ollama、llama.cpp 等程序可用的格式</translation>
    </message>
    <message>
      <source>Move to Trash</source>
      <translation>移到废纸篓</translation>
    </message>
    <message>
      <source>This model cannot be used: {problem}</source>
      <translation>此模型无法使用：{problem}</translation>
    </message>
    <message>
      <source>There is no tokenizer in this folder, so it cannot read or write text.</source>
      <translation>此文件夹中没有分词器，因此无法读写文本。</translation>
    </message>
    <message>
      <source>Copy tokenizer.json or tokenizer.model of this model into the folder.</source>
      <translation>请把该模型的 tokenizer.json 或 tokenizer.model 复制到文件夹中。</translation>
    </message>
    <message>
      <source>Folder</source>
      <translation>文件夹</translation>
    </message>
    <message>
      <source>Rank</source>
      <translation>秩</translation>
    </message>
    <message>
      <source>Trained in</source>
      <translation>训练于</translation>
    </message>
    <message>
      <source>Generation</source>
      <translation>代</translation>
    </message>
    <message>
      <source>Size</source>
      <translation>规模</translation>
    </message>
    <message>
      <source>Weights</source>
      <translation>权重</translation>
    </message>
    <message>
      <source>Context</source>
      <translation>上下文</translation>
    </message>
    <message>
      <source>{count} tokens</source>
      <translation>{count} 词元</translation>
    </message>
    <message>
      <source>Memory to chat</source>
      <translation>聊天所需内存</translation>
    </message>
    <message>
      <source>From</source>
      <translation>来源</translation>
    </message>
    <message>
      <source>Compared</source>
      <translation>对照</translation>
    </message>
    <message>
      <source>On disk</source>
      <translation>占用磁盘</translation>
    </message>
    <message>
      <source>Verified against {reference}, {date}</source>
      <translation>已与 {reference} 核对一致，{date}</translation>
    </message>
    <message>
      <source>Differs from {reference}, {date}</source>
      <translation>与 {reference} 不一致，{date}</translation>
    </message>
    <message>
      <source>Gemma MLX’s folder</source>
      <translation>Gemma MLX 的文件夹</translation>
    </message>
    <message>
      <source>Hugging Face cache</source>
      <translation>Hugging Face 缓存</translation>
    </message>
    <message>
      <source>Comes with the app</source>
      <translation>随应用附带</translation>
    </message>
    <message>
      <source>Another folder</source>
      <translation>其他文件夹</translation>
    </message>
  </context>
  <context>
    <name>DownloadDialog</name>
    <message>
      <source>Download a Model</source>
      <translation>下载模型</translation>
    </message>
    <message>
      <source>Filter, or the name of a model on the Hub</source>
      <translation>筛选，或 Hub 上模型的名称</translation>
    </message>
    <message>
      <source>Filter, or owner/name of a model on the Hub</source>
      <translation>筛选，或输入 Hub 上的“所有者/名称”</translation>
    </message>
    <message>
      <source>Search the Hub</source>
      <translation>搜索 Hub</translation>
    </message>
    <message>
      <source>Asks over the network; the catalogue is here already</source>
      <translation>需要联网查询；目录本身已在本机</translation>
    </message>
    <message>
      <source>Models to download</source>
      <translation>可下载的模型</translation>
    </message>
    <message>
      <source>Download</source>
      <translation>下载</translation>
    </message>
    <message>
      <source>Its makers ask you to accept a licence on its page once, with an account there. Then make an access token there and paste it here; it is kept in this system’s keychain.</source>
      <translation>发布者要求您先用账户在其页面上接受一次许可协议。然后在那里创建访问令牌并粘贴到此处；令牌保存在本系统的钥匙串中。</translation>
    </message>
    <message>
      <source>Open Its Page</source>
      <translation>打开其页面</translation>
    </message>
    <message>
      <source>Access token</source>
      <translation>访问令牌</translation>
    </message>
    <message>
      <source>Access token (hf_…), if none is kept yet</source>
      <translation>访问令牌（hf_…），若尚未保存</translation>
    </message>
    <message>
      <source>Keep Token</source>
      <translation>保存令牌</translation>
    </message>
    <message>
      <source>Asking…</source>
      <translation>正在查询…</translation>
    </message>
    <message>
      <source>None of these. Search the Hub for it, or type its owner/name.</source>
      <translation>没有符合的。请搜索 Hub，或输入“所有者/名称”。</translation>
    </message>
    <message>
      <source>The token is kept in the keychain</source>
      <translation>令牌已保存在钥匙串中</translation>
    </message>
  </context>
  <context>
    <name>ExportDialog</name>
    <message>
      <source>Export {name}</source>
      <translation>导出 {name}</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>格式</translation>
    </message>
    <message>
      <source>Name of the new folder</source>
      <translation>新文件夹的名称</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>选择…</translation>
    </message>
    <message>
      <source>Choose where the folder is made</source>
      <translation>选择文件夹的位置</translation>
    </message>
    <message>
      <source>Format:</source>
      <translation>格式：</translation>
    </message>
    <message>
      <source>Name:</source>
      <translation>名称：</translation>
    </message>
    <message>
      <source>Where:</source>
      <translation>位置：</translation>
    </message>
    <message>
      <source>Export</source>
      <translation>导出</translation>
    </message>
    <message>
      <source>For LM Studio, Ollama and llama.cpp. A Modelfile for Ollama lies beside it.</source>
      <translation>用于 LM Studio、Ollama 和 llama.cpp。旁边附有 Ollama 的 Modelfile。</translation>
    </message>
    <message>
      <source>GGUF, 8 bit</source>
      <translation>GGUF，8 位</translation>
    </message>
    <message>
      <source>Half the size, nearly as exact.</source>
      <translation>大小减半，几乎同样精确。</translation>
    </message>
    <message>
      <source>GGUF, 4 bit</source>
      <translation>GGUF，4 位</translation>
    </message>
    <message>
      <source>A quarter of the size, less exact.</source>
      <translation>大小为四分之一，精度较低。</translation>
    </message>
    <message>
      <source>GGUF, 16 bit</source>
      <translation>GGUF，16 位</translation>
    </message>
    <message>
      <source>As exact as the model.</source>
      <translation>与模型同样精确。</translation>
    </message>
    <message>
      <source>GGUF, bfloat16</source>
      <translation>GGUF，bfloat16</translation>
    </message>
    <message>
      <source>Exact, with the range of the training.</source>
      <translation>精确，数值范围与训练时相同。</translation>
    </message>
    <message>
      <source>Base and adapter as one model, for transformers, MLX and others.</source>
      <translation>底座与适配器合为一个模型，用于 transformers、MLX 等。</translation>
    </message>
    <message>
      <source>Only what was learned: small, to be used beside the base (llama-cli --lora).</source>
      <translation>仅所学部分：体积小，与底座一起使用（llama-cli --lora）。</translation>
    </message>
    <message>
      <source>Only what was learned, for mlx_lm.generate --adapter-path.</source>
      <translation>仅所学部分，用于 mlx_lm.generate --adapter-path。</translation>
    </message>
    <message>
      <source>Safetensors, merged</source>
      <translation>Safetensors（已合并）</translation>
    </message>
    <message>
      <source>Adapter for llama.cpp</source>
      <translation>llama.cpp 适配器</translation>
    </message>
    <message>
      <source>Adapter for mlx-lm</source>
      <translation>mlx-lm 适配器</translation>
    </message>
    <message>
      <source>Export into Which Folder?</source>
      <translation>导出到哪个文件夹？</translation>
    </message>
    <message>
      <source>There is a folder of this name already.</source>
      <translation>已有同名文件夹。</translation>
    </message>
  </context>
  <context>
    <name>FinetunePage</name>
    <message>
      <source>Fine-tune</source>
      <translation>微调</translation>
    </message>
    <message>
      <source>Teach a model from examples</source>
      <translation>用样例教模型</translation>
    </message>
    <message>
      <source>New Run</source>
      <translation>新建运行</translation>
    </message>
    <message>
      <source>Writing a model</source>
      <translation>正在写入模型</translation>
    </message>
    <message>
      <source>There is no model to teach yet</source>
      <translation>还没有可以训练的模型</translation>
    </message>
    <message>
      <source>Fine-tuning begins with a Gemma here. Download or import one, then come back.</source>
      <translation>微调从本机上的一个 Gemma 开始。请下载或导入一个，然后回到这里。</translation>
    </message>
    <message>
      <source>Go to Models</source>
      <translation>前往“模型”</translation>
    </message>
    <message>
      <source>The run {name} is training.</source>
      <translation>运行 {name} 正在训练。</translation>
    </message>
    <message>
      <source>Runs</source>
      <translation>运行</translation>
    </message>
    <message>
      <source>Select several runs to compare their curves.</source>
      <translation>选择多个运行以比较曲线。</translation>
    </message>
    <message>
      <source>Resume</source>
      <translation>继续</translation>
    </message>
    <message>
      <source>The training does not answer</source>
      <translation>训练没有响应</translation>
    </message>
    <message>
      <source>It may be swapping memory, or stopped. Checkpoints are safe: wait, or end it and resume.</source>
      <translation>可能正在交换内存，或已被暂停。检查点是安全的：请等待，或结束它再继续。</translation>
    </message>
    <message>
      <source>End It</source>
      <translation>结束它</translation>
    </message>
    <message>
      <source>Merge into Base</source>
      <translation>合并到基础模型</translation>
    </message>
    <message>
      <source>Name of the new model:</source>
      <translation>新模型的名称：</translation>
    </message>
  </context>
  <context>
    <name>FinetunePresenter</name>
    <message>
      <source>This run cannot go on: its run.json cannot be read.</source>
      <translation>此运行无法继续：其 run.json 无法读取。</translation>
    </message>
    <message>
      <source>Start a new run.</source>
      <translation>请新建一个运行。</translation>
    </message>
    <message>
      <source>{name} cannot be moved to the trash.</source>
      <translation>无法将 {name} 移到废纸篓。</translation>
    </message>
    <message>
      <source>Delete the folder in the Finder.</source>
      <translation>请在访达中删除该文件夹。</translation>
    </message>
    <message>
      <source>{name} is in the trash</source>
      <translation>{name} 已在废纸篓中</translation>
    </message>
    <message>
      <source>Starting</source>
      <translation>正在启动</translation>
    </message>
    <message>
      <source>The training is done</source>
      <translation>训练完成</translation>
    </message>
    <message>
      <source>The training was stopped; what was learned is kept</source>
      <translation>训练已停止；学到的内容已保留</translation>
    </message>
    <message>
      <source>The training is paused</source>
      <translation>训练已暂停</translation>
    </message>
    <message>
      <source>{name}: step {step}</source>
      <translation>{name}：第 {step} 步</translation>
    </message>
    <message>
      <source>The training ended with an error</source>
      <translation>训练因错误而结束</translation>
    </message>
    <message>
      <source>{name} is written</source>
      <translation>{name} 已写入</translation>
    </message>
    <message>
      <source>It cannot be put back: {reason}</source>
      <translation>无法还原：{reason}</translation>
    </message>
    <message>
      <source>Take it out of the trash in the Finder.</source>
      <translation>请在访达中从废纸篓取出。</translation>
    </message>
  </context>
  <context>
    <name>Formats</name>
    <message>
      <source>Automatic</source>
      <translation>自动</translation>
    </message>
    <message>
      <source>Prompt and answer</source>
      <translation>提示与回答</translation>
    </message>
    <message>
      <source>Chat messages</source>
      <translation>聊天消息</translation>
    </message>
    <message>
      <source>Instruction (Alpaca)</source>
      <translation>指令 (Alpaca)</translation>
    </message>
    <message>
      <source>Conversations (ShareGPT)</source>
      <translation>对话 (ShareGPT)</translation>
    </message>
    <message>
      <source>Preferences</source>
      <translation>偏好</translation>
    </message>
    <message>
      <source>Plain text</source>
      <translation>纯文本</translation>
    </message>
    <message>
      <source>Each row is a prompt and its answer.</source>
      <translation>每行是一个提示及其回答。</translation>
    </message>
    <message>
      <source>Each row is a chat, message by message.</source>
      <translation>每行是一段聊天，逐条消息。</translation>
    </message>
    <message>
      <source>Each row is an instruction, its input and the answer.</source>
      <translation>每行是一条指令、其输入和回答。</translation>
    </message>
    <message>
      <source>Each row is a prompt with a preferred and a rejected answer.</source>
      <translation>每行是一个提示，附有偏好的和被拒的回答。</translation>
    </message>
    <message>
      <source>Each row is a text to continue.</source>
      <translation>每行是一段供续写的文本。</translation>
    </message>
    <message>
      <source>Prompt</source>
      <translation>提示</translation>
    </message>
    <message>
      <source>Answer</source>
      <translation>回答</translation>
    </message>
    <message>
      <source>System text</source>
      <translation>系统文本</translation>
    </message>
    <message>
      <source>Messages</source>
      <translation>消息</translation>
    </message>
    <message>
      <source>Instruction</source>
      <translation>指令</translation>
    </message>
    <message>
      <source>Input</source>
      <translation>输入</translation>
    </message>
    <message>
      <source>Conversations</source>
      <translation>对话</translation>
    </message>
    <message>
      <source>Preferred answer</source>
      <translation>偏好的回答</translation>
    </message>
    <message>
      <source>Rejected answer</source>
      <translation>被拒的回答</translation>
    </message>
    <message>
      <source>Text</source>
      <translation>文本</translation>
    </message>
  </context>
  <context>
    <name>HistoryView</name>
    <message>
      <source>Search all chats</source>
      <translation>搜索所有聊天</translation>
    </message>
    <message>
      <source>Chats</source>
      <translation>聊天</translation>
    </message>
    <message>
      <source>Rename…</source>
      <translation>重命名…</translation>
    </message>
    <message>
      <source>Export as Markdown…</source>
      <translation>导出为 Markdown…</translation>
    </message>
    <message>
      <source>Export as JSON…</source>
      <translation>导出为 JSON…</translation>
    </message>
    <message>
      <source>Delete</source>
      <translation>删除</translation>
    </message>
    <message>
      <source>No chat holds these words.</source>
      <translation>没有聊天包含这些词。</translation>
    </message>
    <message>
      <source>Your chats will be kept here.</source>
      <translation>你的聊天会保存在这里。</translation>
    </message>
    <message>
      <source>Rename the Chat</source>
      <translation>重命名聊天</translation>
    </message>
    <message>
      <source>Title:</source>
      <translation>标题：</translation>
    </message>
    <message>
      <source>Export the Chat</source>
      <translation>导出聊天</translation>
    </message>
    <message>
      <source>{name} is written</source>
      <translation>{name} 已写入</translation>
    </message>
  </context>
  <context>
    <name>Inspector</name>
    <message>
      <source>Lengths</source>
      <translation>长度</translation>
    </message>
    <message>
      <source>How it is read</source>
      <translation>如何读取</translation>
    </message>
    <message>
      <source>Its tokenizer counts tokens, its chat template lays the rows out</source>
      <translation>用它的分词器计数，用它的聊天模板排版</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>模型</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>格式</translation>
    </message>
    <message>
      <source>What is learned</source>
      <translation>学习什么</translation>
    </message>
    <message>
      <source>{train} rows to train, {valid} to validate</source>
      <translation>训练 {train} 行，验证 {valid} 行</translation>
    </message>
    <message>
      <source>Median {median}, 95 % below {most}, longest {longest} tokens. {share} of the tokens are learned.</source>
      <translation>中位数 {median}，95 % 不超过 {most}，最长 {longest} 词元。{share} 的词元会被学习。</translation>
    </message>
    <message>
      <source>{count} rows are cut at {limit} tokens.</source>
      <translation>{count} 行在 {limit} 词元处被截断。</translation>
    </message>
    <message>
      <source>{count} rows are copies of others.</source>
      <translation>{count} 行是重复的。</translation>
    </message>
    <message>
      <source>Lengths are estimates: choose a model to count with its tokenizer.</source>
      <translation>长度是估计值：请选择模型以用其分词器计数。</translation>
    </message>
    <message>
      <source>Lengths were measured on {count} rows.</source>
      <translation>长度在 {count} 行上测得。</translation>
    </message>
    <message>
      <source>None</source>
      <translation>无</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>选择…</translation>
    </message>
    <message>
      <source>No model: lengths are estimated</source>
      <translation>无模型：长度为估计值</translation>
    </message>
  </context>
  <context>
    <name>Job</name>
    <message>
      <source>The checkpoint of step {step} is safe on disk.</source>
      <translation>第 {step} 步的检查点已安全存盘。</translation>
    </message>
  </context>
  <context>
    <name>LengthHistogram</name>
    <message>
      <source>Lengths of {count} examples, median {median}, longest {longest} tokens</source>
      <translation>{count} 个样例的长度，中位数 {median}，最长 {longest} 词元</translation>
    </message>
    <message>
      <source>tokens</source>
      <translation>词元</translation>
    </message>
    <message>
      <source>{count} with {first} to {last} tokens</source>
      <translation>{count} 个，{first} 到 {last} 词元</translation>
    </message>
  </context>
  <context>
    <name>MainWindow</name>
    <message>
      <source>The diagnostics are on the clipboard</source>
      <translation>诊断信息已复制到剪贴板</translation>
    </message>
    <message>
      <source>Models</source>
      <translation>模型</translation>
    </message>
    <message>
      <source>Datasets</source>
      <translation>数据集</translation>
    </message>
    <message>
      <source>Fine-tune</source>
      <translation>微调</translation>
    </message>
    <message>
      <source>Chat</source>
      <translation>聊天</translation>
    </message>
    <message>
      <source>Something is still running</source>
      <translation>还有任务在运行</translation>
    </message>
    <message>
      <source>If you quit, it stops with a checkpoint and can be resumed later.</source>
      <translation>如果退出，它会保存检查点后停止，之后可以继续。</translation>
    </message>
    <message>
      <source>Stop and Quit</source>
      <translation>停止并退出</translation>
    </message>
    <message>
      <source>Keep Running</source>
      <translation>继续运行</translation>
    </message>
    <message>
      <source>Undo</source>
      <translation>撤销</translation>
    </message>
    <message>
      <source>&amp;File</source>
      <translation>文件(&amp;F)</translation>
    </message>
    <message>
      <source>&amp;New</source>
      <translation>新建(&amp;N)</translation>
    </message>
    <message>
      <source>&amp;Stop</source>
      <translation>停止(&amp;S)</translation>
    </message>
    <message>
      <source>&amp;Close Window</source>
      <translation>关闭窗口(&amp;C)</translation>
    </message>
    <message>
      <source>&amp;Settings…</source>
      <translation>设置(&amp;S)…</translation>
    </message>
    <message>
      <source>&amp;Quit Gemma MLX</source>
      <translation>退出 Gemma MLX(&amp;Q)</translation>
    </message>
    <message>
      <source>&amp;View</source>
      <translation>显示(&amp;V)</translation>
    </message>
    <message>
      <source>&amp;Full Screen</source>
      <translation>全屏(&amp;F)</translation>
    </message>
    <message>
      <source>&amp;Window</source>
      <translation>窗口(&amp;W)</translation>
    </message>
    <message>
      <source>&amp;Minimize</source>
      <translation>最小化(&amp;M)</translation>
    </message>
    <message>
      <source>&amp;Help</source>
      <translation>帮助(&amp;H)</translation>
    </message>
    <message>
      <source>Copy &amp;Diagnostics</source>
      <translation>复制诊断信息(&amp;D)</translation>
    </message>
    <message>
      <source>&amp;About Gemma MLX</source>
      <translation>关于 Gemma MLX(&amp;A)</translation>
    </message>
  </context>
  <context>
    <name>MessageView</name>
    <message>
      <source>Message</source>
      <translation>消息</translation>
    </message>
    <message>
      <source>Ask Again</source>
      <translation>重新提问</translation>
    </message>
    <message>
      <source>Keep</source>
      <translation>保留</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>取消</translation>
    </message>
    <message>
      <source>Alternative {place} of {count}</source>
      <translation>第 {place} 个，共 {count} 个</translation>
    </message>
    <message>
      <source>Copy this message</source>
      <translation>复制此消息</translation>
    </message>
    <message>
      <source>Edit</source>
      <translation>编辑</translation>
    </message>
    <message>
      <source>Answer again</source>
      <translation>重新回答</translation>
    </message>
    <message>
      <source>Continue this answer</source>
      <translation>继续此回答</translation>
    </message>
    <message>
      <source>The alternative before</source>
      <translation>上一个</translation>
    </message>
    <message>
      <source>The next alternative</source>
      <translation>下一个</translation>
    </message>
    <message>
      <source>{count} tokens</source>
      <translation>{count} 词元</translation>
    </message>
    <message>
      <source>{speed} tokens/s</source>
      <translation>{speed} 词元/秒</translation>
    </message>
    <message>
      <source>first after {seconds} s</source>
      <translation>首个用时 {seconds} 秒</translation>
    </message>
    <message>
      <source>stopped</source>
      <translation>已停止</translation>
    </message>
    <message>
      <source>cut at its longest</source>
      <translation>达到最长</translation>
    </message>
    <message>
      <source>broke off</source>
      <translation>中断</translation>
    </message>
  </context>
  <context>
    <name>ModelListModel</name>
    <message>
      <source>Cannot be used</source>
      <translation>无法使用</translation>
    </message>
    <message>
      <source>Adapter, rank {rank}</source>
      <translation>适配器，秩 {rank}</translation>
    </message>
    <message>
      <source>Adapter</source>
      <translation>适配器</translation>
    </message>
  </context>
  <context>
    <name>ModelPicker</name>
    <message>
      <source>Model and adapter</source>
      <translation>模型与适配器</translation>
    </message>
    <message>
      <source>Choose a model</source>
      <translation>选择模型</translation>
    </message>
    <message>
      <source>Loading the model</source>
      <translation>正在加载模型</translation>
    </message>
    <message>
      <source>Free the memory that the model takes</source>
      <translation>释放模型占用的内存</translation>
    </message>
    <message>
      <source>Eject the model</source>
      <translation>卸载模型</translation>
    </message>
    <message>
      <source>Does not answer</source>
      <translation>没有响应</translation>
    </message>
    <message>
      <source>In memory</source>
      <translation>已在内存中</translation>
    </message>
    <message>
      <source>Not loaded</source>
      <translation>未加载</translation>
    </message>
  </context>
  <context>
    <name>ModelsPage</name>
    <message>
      <source>Import…</source>
      <translation>导入…</translation>
    </message>
    <message>
      <source>Copy a model’s folder into the app</source>
      <translation>把模型文件夹复制到应用中</translation>
    </message>
    <message>
      <source>Download…</source>
      <translation>下载…</translation>
    </message>
    <message>
      <source>Find a Gemma on the Hub and bring it here</source>
      <translation>在 Hub 上找一个 Gemma 并下载到本机</translation>
    </message>
    <message>
      <source>Models</source>
      <translation>模型</translation>
    </message>
    <message>
      <source>Choose a model’s folder</source>
      <translation>选择模型文件夹</translation>
    </message>
    <message>
      <source>A model is being written.</source>
      <translation>正在写入模型。</translation>
    </message>
    <message>
      <source>Models and adapters</source>
      <translation>模型与适配器</translation>
    </message>
    <message>
      <source>Download one, or drop the folder of a Gemma model here: the one that holds config.json and the .safetensors files. Models in the Hugging Face cache appear by themselves.</source>
      <translation>下载一个，或把 Gemma 模型的文件夹拖到这里：即包含 config.json 和 .safetensors 文件的那个。Hugging Face 缓存中的模型会自动出现。</translation>
    </message>
    <message>
      <source>Import a Folder…</source>
      <translation>导入文件夹…</translation>
    </message>
    <message>
      <source>Look Again</source>
      <translation>再找一次</translation>
    </message>
    <message>
      <source>No models yet</source>
      <translation>还没有模型</translation>
    </message>
    <message>
      <source>Progress</source>
      <translation>进度</translation>
    </message>
    <message>
      <source>Stop</source>
      <translation>停止</translation>
    </message>
    <message>
      <source>Merge into Base</source>
      <translation>合并到基础模型</translation>
    </message>
    <message>
      <source>Name of the new model:</source>
      <translation>新模型的名称：</translation>
    </message>
  </context>
  <context>
    <name>ModelsPresenter</name>
    <message>
      <source>This folder holds no model: there is no config.json in it.</source>
      <translation>此文件夹中没有模型：缺少 config.json。</translation>
    </message>
    <message>
      <source>Choose the folder that holds config.json and the .safetensors files.</source>
      <translation>请选择包含 config.json 和 .safetensors 文件的文件夹。</translation>
    </message>
    <message>
      <source>{name} cannot be moved to the trash.</source>
      <translation>无法将 {name} 移到废纸篓。</translation>
    </message>
    <message>
      <source>Delete the folder in the Finder.</source>
      <translation>请在访达中删除该文件夹。</translation>
    </message>
    <message>
      <source>Nothing was deleted.</source>
      <translation>没有删除任何内容。</translation>
    </message>
    <message>
      <source>{name} is in the trash</source>
      <translation>{name} 已在废纸篓中</translation>
    </message>
    <message>
      <source>It cannot be put back: {reason}</source>
      <translation>无法还原：{reason}</translation>
    </message>
    <message>
      <source>Take it out of the trash in the Finder.</source>
      <translation>请在访达中从废纸篓取出。</translation>
    </message>
    <message>
      <source>It is in the trash.</source>
      <translation>它在废纸篓中。</translation>
    </message>
    <message>
      <source>Another model is being written.</source>
      <translation>正在写入另一个模型。</translation>
    </message>
    <message>
      <source>Wait until it is done, or stop it.</source>
      <translation>请等它完成，或停止它。</translation>
    </message>
    <message>
      <source>Starting</source>
      <translation>正在启动</translation>
    </message>
    <message>
      <source>next: {names}</source>
      <translation>接下来：{names}</translation>
    </message>
    <message>
      <source>Stopped. What came is kept; downloading it again goes on from there.</source>
      <translation>已停止。已下载的部分会保留；再次下载时从那里继续。</translation>
    </message>
    <message>
      <source>{name} is written</source>
      <translation>{name} 已写好</translation>
    </message>
    <message>
      <source>Stopped. Nothing was written.</source>
      <translation>已停止。没有写入任何内容。</translation>
    </message>
  </context>
  <context>
    <name>OffersModel</name>
    <message>
      <source>{bits} bit</source>
      <translation>{bits} 位</translation>
    </message>
    <message>
      <source>not for chats</source>
      <translation>非聊天模型</translation>
    </message>
    <message>
      <source>{count} downloads</source>
      <translation>{count} 次下载</translation>
    </message>
    <message>
      <source>licence to accept</source>
      <translation>需接受许可协议</translation>
    </message>
  </context>
  <context>
    <name>ProblemsModel</name>
    <message>
      <source>Line</source>
      <translation>行</translation>
    </message>
    <message>
      <source>What is wrong</source>
      <translation>问题所在</translation>
    </message>
    <message>
      <source>File</source>
      <translation>文件</translation>
    </message>
  </context>
  <context>
    <name>Prose</name>
    <message>
      <source>Text</source>
      <translation>文本</translation>
    </message>
  </context>
  <context>
    <name>QuantizeDialog</name>
    <message>
      <source>Quantize {name}</source>
      <translation>量化 {name}</translation>
    </message>
    <message>
      <source>A quantized copy is smaller and faster, a little less exact. The model itself stays as it is.</source>
      <translation>量化后的副本更小、更快，精度略低。原模型保持不变。</translation>
    </message>
    <message>
      <source>Name of the copy</source>
      <translation>副本名称</translation>
    </message>
    <message>
      <source>Name of the copy:</source>
      <translation>副本名称：</translation>
    </message>
    <message>
      <source>Quantize</source>
      <translation>量化</translation>
    </message>
    <message>
      <source>Measuring…</source>
      <translation>正在测量…</translation>
    </message>
    <message>
      <source>{before} becomes {after}, {bits} bits a weight</source>
      <translation>{before} 变为 {after}，每个权重 {bits} 位</translation>
    </message>
    <message>
      <source>Weights are off by {percent} on average (measured on the middle layer).</source>
      <translation>权重平均偏差 {percent}（在中间层测得）。</translation>
    </message>
  </context>
  <context>
    <name>RowView</name>
    <message>
      <source>The row as the model sees it</source>
      <translation>模型眼中的这一行</translation>
    </message>
    <message>
      <source>learned</source>
      <translation>学习</translation>
    </message>
    <message>
      <source>read only</source>
      <translation>只读</translation>
    </message>
    <message>
      <source>control token</source>
      <translation>控制词元</translation>
    </message>
    <message>
      <source>cut off</source>
      <translation>截断</translation>
    </message>
    <message>
      <source>{tokens} tokens, {learned} of them learned</source>
      <translation>{tokens} 词元，其中学习 {learned} 个</translation>
    </message>
    <message>
      <source>{count} cut off at the longest row</source>
      <translation>超出最长行，截去 {count} 个</translation>
    </message>
  </context>
  <context>
    <name>RowsModel</name>
    <message>
      <source>Row</source>
      <translation>行</translation>
    </message>
    <message>
      <source>Text</source>
      <translation>文本</translation>
    </message>
    <message>
      <source>Tokens</source>
      <translation>词元</translation>
    </message>
    <message>
      <source>Learned</source>
      <translation>学习</translation>
    </message>
    <message>
      <source>Note</source>
      <translation>备注</translation>
    </message>
    <message>
      <source>Cut</source>
      <translation>截断</translation>
    </message>
    <message>
      <source>Validation</source>
      <translation>验证</translation>
    </message>
    <message>
      <source>{count} examples</source>
      <translation>{count} 个样例</translation>
    </message>
  </context>
  <context>
    <name>RunView</name>
    <message>
      <source>step {step} of {steps}</source>
      <translation>第 {step} 步，共 {steps} 步</translation>
    </message>
    <message>
      <source>Progress of the run</source>
      <translation>运行进度</translation>
    </message>
    <message>
      <source>Pause</source>
      <translation>暂停</translation>
    </message>
    <message>
      <source>Stop and Keep</source>
      <translation>停止并保留</translation>
    </message>
    <message>
      <source>End now; what was learned becomes the run’s adapter</source>
      <translation>立即结束；学到的内容成为该运行的适配器</translation>
    </message>
    <message>
      <source>Resume</source>
      <translation>继续</translation>
    </message>
    <message>
      <source>Chat with It</source>
      <translation>与它聊天</translation>
    </message>
    <message>
      <source>Merge…</source>
      <translation>合并…</translation>
    </message>
    <message>
      <source>Write base and adapter as one model of the library</source>
      <translation>把基础模型和适配器写成库中的一个模型</translation>
    </message>
    <message>
      <source>Export…</source>
      <translation>导出…</translation>
    </message>
    <message>
      <source>Write the result for LM Studio, Ollama, llama.cpp, transformers or mlx-lm</source>
      <translation>把结果写成 LM Studio、Ollama、llama.cpp、transformers 或 mlx-lm 可用的格式</translation>
    </message>
    <message>
      <source>Duplicate Settings</source>
      <translation>复制设置</translation>
    </message>
    <message>
      <source>Move to Trash</source>
      <translation>移到废纸篓</translation>
    </message>
    <message>
      <source>More</source>
      <translation>更多</translation>
    </message>
    <message>
      <source>Loss</source>
      <translation>损失</translation>
    </message>
    <message>
      <source>Learning rate</source>
      <translation>学习率</translation>
    </message>
    <message>
      <source>Tokens per second</source>
      <translation>每秒词元</translation>
    </message>
    <message>
      <source>Memory (GB)</source>
      <translation>内存 (GB)</translation>
    </message>
    <message>
      <source>The curves begin with the first step.</source>
      <translation>曲线从第一步开始。</translation>
    </message>
    <message>
      <source>Samples</source>
      <translation>样例</translation>
    </message>
    <message>
      <source>Step of the samples</source>
      <translation>样例所在步</translation>
    </message>
    <message>
      <source>Notes</source>
      <translation>笔记</translation>
    </message>
    <message>
      <source>What you tried, and what came of it</source>
      <translation>你尝试了什么，结果如何</translation>
    </message>
    <message>
      <source>{done} of {total}</source>
      <translation>{done} / {total}</translation>
    </message>
    <message>
      <source>about {time} left</source>
      <translation>约剩 {time}</translation>
    </message>
    <message>
      <source>Each step</source>
      <translation>每一步</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>训练</translation>
    </message>
    <message>
      <source>Validation</source>
      <translation>验证</translation>
    </message>
    <message>
      <source>Step {step}</source>
      <translation>第 {step} 步</translation>
    </message>
    <message>
      <source>Before</source>
      <translation>之前</translation>
    </message>
  </context>
  <context>
    <name>Runs</name>
    <message>
      <source>Starting</source>
      <translation>正在启动</translation>
    </message>
    <message>
      <source>Running</source>
      <translation>运行中</translation>
    </message>
    <message>
      <source>Pausing…</source>
      <translation>正在暂停…</translation>
    </message>
    <message>
      <source>Stopping…</source>
      <translation>正在停止…</translation>
    </message>
    <message>
      <source>Finished</source>
      <translation>已完成</translation>
    </message>
    <message>
      <source>Stopped</source>
      <translation>已停止</translation>
    </message>
    <message>
      <source>Paused</source>
      <translation>已暂停</translation>
    </message>
    <message>
      <source>Failed</source>
      <translation>失败</translation>
    </message>
    <message>
      <source>Interrupted</source>
      <translation>已中断</translation>
    </message>
    <message>
      <source>Cannot be read</source>
      <translation>无法读取</translation>
    </message>
  </context>
  <context>
    <name>RunsModel</name>
    <message>
      <source>step {step} of {steps}</source>
      <translation>第 {step} 步，共 {steps} 步</translation>
    </message>
  </context>
  <context>
    <name>Settings</name>
    <message>
      <source>Answers only</source>
      <translation>仅回答</translation>
    </message>
    <message>
      <source>All text</source>
      <translation>全部文本</translation>
    </message>
    <message>
      <source>Refuse the dataset</source>
      <translation>拒绝数据集</translation>
    </message>
    <message>
      <source>Leave them out</source>
      <translation>略去它们</translation>
    </message>
    <message>
      <source>Supervised answers (SFT)</source>
      <translation>监督回答 (SFT)</translation>
    </message>
    <message>
      <source>Preferences (DPO)</source>
      <translation>偏好 (DPO)</translation>
    </message>
    <message>
      <source>Preferences (ORPO)</source>
      <translation>偏好 (ORPO)</translation>
    </message>
    <message>
      <source>Adapter (LoRA)</source>
      <translation>适配器 (LoRA)</translation>
    </message>
    <message>
      <source>All weights</source>
      <translation>全部权重</translation>
    </message>
    <message>
      <source>Linear</source>
      <translation>线性</translation>
    </message>
    <message>
      <source>Cosine</source>
      <translation>余弦</translation>
    </message>
    <message>
      <source>Constant</source>
      <translation>恒定</translation>
    </message>
    <message>
      <source>Automatic</source>
      <translation>自动</translation>
    </message>
    <message>
      <source>Packed</source>
      <translation>打包</translation>
    </message>
    <message>
      <source>Padded</source>
      <translation>填充</translation>
    </message>
    <message>
      <source>Affine</source>
      <translation>仿射</translation>
    </message>
    <message>
      <source>Modules</source>
      <translation>模块</translation>
    </message>
    <message>
      <source>Linear modules to adapt, by name, or all-linear for all seven of a block.</source>
      <translation>要适配的线性模块名称，或用 all-linear 表示一个块的全部七个。</translation>
    </message>
    <message>
      <source>Adapter</source>
      <translation>适配器</translation>
    </message>
    <message>
      <source>Rank</source>
      <translation>秩</translation>
    </message>
    <message>
      <source>Rank r of the adapter: more learns more and takes more memory.</source>
      <translation>适配器的秩 r：越大学得越多，占用内存也越多。</translation>
    </message>
    <message>
      <source>Alpha</source>
      <translation>Alpha</translation>
    </message>
    <message>
      <source>The update is scaled by alpha / r.</source>
      <translation>更新按 alpha / r 缩放。</translation>
    </message>
    <message>
      <source>Dropout</source>
      <translation>Dropout</translation>
    </message>
    <message>
      <source>Share of the adapter's inputs that are dropped in training.</source>
      <translation>训练中随机丢弃的适配器输入比例。</translation>
    </message>
    <message>
      <source>Rank-stabilized scale</source>
      <translation>秩稳定缩放</translation>
    </message>
    <message>
      <source>Scale by alpha / sqrt(r) (rsLoRA), which lets high ranks learn.</source>
      <translation>按 alpha / sqrt(r) 缩放 (rsLoRA)，使高秩也能学习。</translation>
    </message>
    <message>
      <source>DoRA</source>
      <translation>DoRA</translation>
    </message>
    <message>
      <source>Learn direction and magnitude of the weights apart (DoRA): slower, often better.</source>
      <translation>分开学习权重的方向和大小 (DoRA)：较慢，通常更好。</translation>
    </message>
    <message>
      <source>Layers</source>
      <translation>层</translation>
    </message>
    <message>
      <source>Indices of the blocks to adapt; none given means all.</source>
      <translation>要适配的块的序号；不填表示全部。</translation>
    </message>
    <message>
      <source>Rank by module</source>
      <translation>按模块设秩</translation>
    </message>
    <message>
      <source>Ranks that differ, by module path or its end: {"layers.0.self_attn.q_proj": 32}.</source>
      <translation>不同的秩，按模块路径或其结尾：{"layers.0.self_attn.q_proj": 32}。</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>格式</translation>
    </message>
    <message>
      <source>affine, or one of the microscaling float formats.</source>
      <translation>仿射，或一种微缩放浮点格式。</translation>
    </message>
    <message>
      <source>Quantization</source>
      <translation>量化</translation>
    </message>
    <message>
      <source>Bits</source>
      <translation>位数</translation>
    </message>
    <message>
      <source>Bits per weight (affine only).</source>
      <translation>每个权重的位数（仅仿射）。</translation>
    </message>
    <message>
      <source>Group size</source>
      <translation>组大小</translation>
    </message>
    <message>
      <source>Weights that share one scale (affine: 32, 64 or 128).</source>
      <translation>共用一个缩放系数的权重数（仿射：32、64 或 128）。</translation>
    </message>
    <message>
      <source>Embedding bits</source>
      <translation>嵌入位数</translation>
    </message>
    <message>
      <source>Bits of the embedding and head, affine; 16 leaves them as they are. None: as the rest.</source>
      <translation>嵌入和输出层的位数（仿射）；16 表示保持不变。自动：与其余相同。</translation>
    </message>
    <message>
      <source>Dataset</source>
      <translation>数据集</translation>
    </message>
    <message>
      <source>A file (jsonl, json, csv, parquet, txt) or a folder with train and valid.</source>
      <translation>一个文件 (jsonl, json, csv, parquet, txt)，或包含 train 和 valid 的文件夹。</translation>
    </message>
    <message>
      <source>Data</source>
      <translation>数据</translation>
    </message>
    <message>
      <source>How rows are read; auto looks at the columns.</source>
      <translation>如何读取各行；自动会查看列名。</translation>
    </message>
    <message>
      <source>Columns</source>
      <translation>列</translation>
    </message>
    <message>
      <source>Our name to the file's column: {"prompt": "question", "completion": "human_answers"}.</source>
      <translation>我们的名称对应文件中的列：{"prompt": "question", "completion": "human_answers"}。</translation>
    </message>
    <message>
      <source>Loss on</source>
      <translation>学习范围</translation>
    </message>
    <message>
      <source>Every answer of the model, or all text.</source>
      <translation>模型的每个回答，或全部文本。</translation>
    </message>
    <message>
      <source>Longest row</source>
      <translation>最长行</translation>
    </message>
    <message>
      <source>Rows are cut to this many tokens.</source>
      <translation>每行截断到这么多词元。</translation>
    </message>
    <message>
      <source>tokens</source>
      <translation>词元</translation>
    </message>
    <message>
      <source>Validation share</source>
      <translation>验证比例</translation>
    </message>
    <message>
      <source>Share of rows held out when the dataset has no validation file of its own.</source>
      <translation>数据集没有自己的验证文件时，留出验证的行的比例。</translation>
    </message>
    <message>
      <source>Row limit</source>
      <translation>行数上限</translation>
    </message>
    <message>
      <source>Use at most this many rows.</source>
      <translation>最多使用这么多行。</translation>
    </message>
    <message>
      <source>Bad rows</source>
      <translation>坏行</translation>
    </message>
    <message>
      <source>Refuse a dataset in which rows cannot be used, or leave these rows out.</source>
      <translation>拒绝含有坏行的数据集，或略去这些行。</translation>
    </message>
    <message>
      <source>Objective</source>
      <translation>目标</translation>
    </message>
    <message>
      <source>Supervised answers, or preferences (chosen against rejected).</source>
      <translation>监督回答，或偏好（选中对被拒）。</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>训练</translation>
    </message>
    <message>
      <source>Method</source>
      <translation>方法</translation>
    </message>
    <message>
      <source>Train an adapter, or all weights of a small model.</source>
      <translation>训练适配器，或小模型的全部权重。</translation>
    </message>
    <message>
      <source>Epochs</source>
      <translation>轮数</translation>
    </message>
    <message>
      <source>Passes over the dataset, unless steps are given.</source>
      <translation>遍历数据集的次数（未指定步数时）。</translation>
    </message>
    <message>
      <source>Steps</source>
      <translation>步数</translation>
    </message>
    <message>
      <source>Optimizer steps; overrides epochs.</source>
      <translation>优化器步数；优先于轮数。</translation>
    </message>
    <message>
      <source>Learning rate</source>
      <translation>学习率</translation>
    </message>
    <message>
      <source>The peak, after warm-up.</source>
      <translation>预热后的峰值。</translation>
    </message>
    <message>
      <source>Schedule</source>
      <translation>调度</translation>
    </message>
    <message>
      <source>How the learning rate falls after warm-up.</source>
      <translation>预热后学习率如何下降。</translation>
    </message>
    <message>
      <source>Warm-up</source>
      <translation>预热</translation>
    </message>
    <message>
      <source>Steps in which the learning rate rises from 0.</source>
      <translation>学习率从 0 上升的步数。</translation>
    </message>
    <message>
      <source>steps</source>
      <translation>步</translation>
    </message>
    <message>
      <source>Batch size</source>
      <translation>批大小</translation>
    </message>
    <message>
      <source>Rows in one forward pass, at the most.</source>
      <translation>一次前向计算中最多的行数。</translation>
    </message>
    <message>
      <source>rows</source>
      <translation>行</translation>
    </message>
    <message>
      <source>Tokens per batch</source>
      <translation>每批词元</translation>
    </message>
    <message>
      <source>Token budget of one forward pass; replaces the batch size.</source>
      <translation>一次前向计算的词元预算；替代批大小。</translation>
    </message>
    <message>
      <source>Accumulation</source>
      <translation>累积</translation>
    </message>
    <message>
      <source>Batches whose gradients make one step, weighted by their tokens.</source>
      <translation>合成一步的批数，按词元加权。</translation>
    </message>
    <message>
      <source>batches</source>
      <translation>批</translation>
    </message>
    <message>
      <source>Optimizer</source>
      <translation>优化器</translation>
    </message>
    <message>
      <source>AdamW; Adafactor and Lion keep a smaller state.</source>
      <translation>AdamW；Adafactor 和 Lion 的状态更小。</translation>
    </message>
    <message>
      <source>Weight decay</source>
      <translation>权重衰减</translation>
    </message>
    <message>
      <source>Decoupled decay of the trained weights.</source>
      <translation>对训练权重的解耦衰减。</translation>
    </message>
    <message>
      <source>Gradient clipping</source>
      <translation>梯度裁剪</translation>
    </message>
    <message>
      <source>Gradients are scaled down to this norm; none: never.</source>
      <translation>梯度缩小到此范数；留空：不裁剪。</translation>
    </message>
    <message>
      <source>LoRA+ ratio</source>
      <translation>LoRA+ 比率</translation>
    </message>
    <message>
      <source>Learning rate of B over that of A (LoRA+); 1 is plain LoRA.</source>
      <translation>B 与 A 的学习率之比 (LoRA+)；1 即普通 LoRA。</translation>
    </message>
    <message>
      <source>NEFTune noise</source>
      <translation>NEFTune 噪声</translation>
    </message>
    <message>
      <source>Noise on the embeddings in training; 0 is off.</source>
      <translation>训练时加在嵌入上的噪声；0 为关闭。</translation>
    </message>
    <message>
      <source>Preference beta</source>
      <translation>偏好 beta</translation>
    </message>
    <message>
      <source>Strength of the DPO or ORPO preference term.</source>
      <translation>DPO 或 ORPO 偏好项的强度。</translation>
    </message>
    <message>
      <source>Gradient checkpointing</source>
      <translation>梯度检查点</translation>
    </message>
    <message>
      <source>Compute activations twice to keep fewer in memory.</source>
      <translation>激活计算两次，以少占内存。</translation>
    </message>
    <message>
      <source>Memory</source>
      <translation>内存</translation>
    </message>
    <message>
      <source>Batch layout</source>
      <translation>批布局</translation>
    </message>
    <message>
      <source>packed lays rows end to end without padding; padded sorts by length; auto measures.</source>
      <translation>打包：行首尾相接，无填充；填充：按长度排序；自动：实测选择。</translation>
    </message>
    <message>
      <source>Loss chunk</source>
      <translation>损失分块</translation>
    </message>
    <message>
      <source>Rows of the vocabulary product at a time; none: from memory.</source>
      <translation>每次计算词表乘积的行数；留空：按内存决定。</translation>
    </message>
    <message>
      <source>Memory ceiling</source>
      <translation>内存上限</translation>
    </message>
    <message>
      <source>Wait rather than take more; a step that still does ends the run with a checkpoint.</source>
      <translation>宁可等待也不超出；某一步若仍超出，则保存检查点并结束训练。</translation>
    </message>
    <message>
      <source>GB</source>
      <translation>GB</translation>
    </message>
    <message>
      <source>Evaluate every</source>
      <translation>评估间隔</translation>
    </message>
    <message>
      <source>Steps between validations; none: four times a run.</source>
      <translation>两次验证间的步数；留空：每次运行四次。</translation>
    </message>
    <message>
      <source>Watching</source>
      <translation>监视</translation>
    </message>
    <message>
      <source>Save every</source>
      <translation>保存间隔</translation>
    </message>
    <message>
      <source>Steps between checkpoints.</source>
      <translation>两个检查点间的步数。</translation>
    </message>
    <message>
      <source>Checkpoints kept</source>
      <translation>保留检查点</translation>
    </message>
    <message>
      <source>The newest ones; the best is kept besides.</source>
      <translation>最新的几个；最佳的另外保留。</translation>
    </message>
    <message>
      <source>Early stop</source>
      <translation>提前停止</translation>
    </message>
    <message>
      <source>Stop after this many validations without improvement.</source>
      <translation>这么多次验证无改进后停止。</translation>
    </message>
    <message>
      <source>validations</source>
      <translation>次验证</translation>
    </message>
    <message>
      <source>Sample prompts</source>
      <translation>样例提示</translation>
    </message>
    <message>
      <source>Prompts that are answered at each validation.</source>
      <translation>每次验证时回答的提示。</translation>
    </message>
    <message>
      <source>Sample length</source>
      <translation>样例长度</translation>
    </message>
    <message>
      <source>Tokens of each sample, at the most.</source>
      <translation>每个样例最多的词元数。</translation>
    </message>
    <message>
      <source>Further logs</source>
      <translation>其他日志</translation>
    </message>
    <message>
      <source>Write metrics.csv or TensorBoard files too.</source>
      <translation>另外写入 metrics.csv 或 TensorBoard 文件。</translation>
    </message>
    <message>
      <source>Seed</source>
      <translation>随机种子</translation>
    </message>
    <message>
      <source>Order of the data, dropout and first weights follow from it.</source>
      <translation>数据顺序、dropout 和初始权重由它决定。</translation>
    </message>
    <message>
      <source>Temperature</source>
      <translation>温度</translation>
    </message>
    <message>
      <source>0 always takes the likeliest token.</source>
      <translation>0 总是取最可能的词元。</translation>
    </message>
    <message>
      <source>Sampling</source>
      <translation>采样</translation>
    </message>
    <message>
      <source>Top-k</source>
      <translation>Top-k</translation>
    </message>
    <message>
      <source>Only the k likeliest tokens; 0 is off.</source>
      <translation>只取最可能的 k 个词元；0 为关闭。</translation>
    </message>
    <message>
      <source>Top-p</source>
      <translation>Top-p</translation>
    </message>
    <message>
      <source>Only the likeliest tokens that together have this probability.</source>
      <translation>只取合计达到此概率的最可能词元。</translation>
    </message>
    <message>
      <source>Min-p</source>
      <translation>Min-p</translation>
    </message>
    <message>
      <source>Only tokens with this share of the likeliest one's probability.</source>
      <translation>只取概率达到最可能词元此比例的词元。</translation>
    </message>
    <message>
      <source>Repetition penalty</source>
      <translation>重复惩罚</translation>
    </message>
    <message>
      <source>Above 1 makes tokens seen before less likely.</source>
      <translation>大于 1 使出现过的词元更少出现。</translation>
    </message>
    <message>
      <source>Longest answer</source>
      <translation>最长回答</translation>
    </message>
    <message>
      <source>Tokens generated at the most.</source>
      <translation>最多生成的词元数。</translation>
    </message>
    <message>
      <source>Stop strings</source>
      <translation>停止字符串</translation>
    </message>
    <message>
      <source>The answer ends before the first of these.</source>
      <translation>回答在其中首个出现前结束。</translation>
    </message>
    <message>
      <source>The same seed gives the same answer; none: by chance.</source>
      <translation>相同种子给出相同回答；留空：随机。</translation>
    </message>
    <message>
      <source>Base model</source>
      <translation>基础模型</translation>
    </message>
    <message>
      <source>Folder of the base model.</source>
      <translation>基础模型的文件夹。</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>模型</translation>
    </message>
    <message>
      <source>Quantize the base</source>
      <translation>量化基础模型</translation>
    </message>
    <message>
      <source>QLoRA: the frozen base is quantized while it loads.</source>
      <translation>QLoRA：冻结的基础模型在加载时量化。</translation>
    </message>
  </context>
  <context>
    <name>SettingsDialog</name>
    <message>
      <source>Settings</source>
      <translation>设置</translation>
    </message>
    <message>
      <source>As the system</source>
      <translation>跟随系统</translation>
    </message>
    <message>
      <source>Light</source>
      <translation>浅色</translation>
    </message>
    <message>
      <source>Dark</source>
      <translation>深色</translation>
    </message>
    <message>
      <source>The language changes when the app is opened again.</source>
      <translation>重新打开应用后语言生效。</translation>
    </message>
    <message>
      <source>Tell me when a training run ends</source>
      <translation>训练结束时通知我</translation>
    </message>
    <message>
      <source>Appearance:</source>
      <translation>外观：</translation>
    </message>
    <message>
      <source>Language:</source>
      <translation>语言：</translation>
    </message>
    <message>
      <source>Notifications:</source>
      <translation>通知：</translation>
    </message>
    <message>
      <source>Models, runs and chats:</source>
      <translation>模型、运行和聊天：</translation>
    </message>
    <message>
      <source>Appearance</source>
      <translation>外观</translation>
    </message>
    <message>
      <source>Language</source>
      <translation>语言</translation>
    </message>
  </context>
  <context>
    <name>SettingsPanel</name>
    <message>
      <source>Presets of system texts</source>
      <translation>系统文本预设</translation>
    </message>
    <message>
      <source>Presets…</source>
      <translation>预设…</translation>
    </message>
    <message>
      <source>None</source>
      <translation>无</translation>
    </message>
    <message>
      <source>Brief</source>
      <translation>简短</translation>
    </message>
    <message>
      <source>Answer in at most three sentences.</source>
      <translation>最多用三句话回答。</translation>
    </message>
    <message>
      <source>Teacher</source>
      <translation>老师</translation>
    </message>
    <message>
      <source>Explain step by step, as to a curious beginner.</source>
      <translation>像对好奇的初学者那样逐步解释。</translation>
    </message>
    <message>
      <source>Editor</source>
      <translation>编辑</translation>
    </message>
    <message>
      <source>Correct and tighten the text you are given. Return only the text.</source>
      <translation>修改并精炼所给的文本。只返回文本。</translation>
    </message>
    <message>
      <source>System text</source>
      <translation>系统文本</translation>
    </message>
    <message>
      <source>How the model should behave in this chat</source>
      <translation>模型在此聊天中应如何表现</translation>
    </message>
    <message>
      <source>Presets of sampling</source>
      <translation>采样预设</translation>
    </message>
    <message>
      <source>Precise: always the likeliest</source>
      <translation>精确：总取最可能</translation>
    </message>
    <message>
      <source>Balanced</source>
      <translation>均衡</translation>
    </message>
    <message>
      <source>Creative</source>
      <translation>创意</translation>
    </message>
    <message>
      <source>Sampling</source>
      <translation>采样</translation>
    </message>
    <message>
      <source>Changes count from the next answer on and belong to this chat.</source>
      <translation>更改从下一个回答起生效，只属于此聊天。</translation>
    </message>
  </context>
  <context>
    <name>SetupPresenter</name>
    <message>
      <source>Choose a model.</source>
      <translation>请选择模型。</translation>
    </message>
    <message>
      <source>Choose a dataset.</source>
      <translation>请选择数据集。</translation>
    </message>
    <message>
      <source>The dataset is not there any more.</source>
      <translation>数据集已不在。</translation>
    </message>
    <message>
      <source>Correct the fields marked in red.</source>
      <translation>请更正标红的字段。</translation>
    </message>
  </context>
  <context>
    <name>SetupView</name>
    <message>
      <source>No dataset is chosen</source>
      <translation>未选择数据集</translation>
    </message>
    <message>
      <source>Base model</source>
      <translation>基础模型</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>选择…</translation>
    </message>
    <message>
      <source>Choose a dataset</source>
      <translation>选择数据集</translation>
    </message>
    <message>
      <source>Look at It</source>
      <translation>查看</translation>
    </message>
    <message>
      <source>Name of the run</source>
      <translation>运行名称</translation>
    </message>
    <message>
      <source>As the dataset</source>
      <translation>同数据集</translation>
    </message>
    <message>
      <source>Use the Demo</source>
      <translation>使用演示</translation>
    </message>
    <message>
      <source>The embedded model learns to talk like a pirate</source>
      <translation>内置模型学着像海盗一样说话</translation>
    </message>
    <message>
      <source>What learns from what</source>
      <translation>谁从什么中学习</translation>
    </message>
    <message>
      <source>Model:</source>
      <translation>模型：</translation>
    </message>
    <message>
      <source>Dataset:</source>
      <translation>数据集：</translation>
    </message>
    <message>
      <source>Name:</source>
      <translation>名称：</translation>
    </message>
    <message>
      <source>Quick</source>
      <translation>快速</translation>
    </message>
    <message>
      <source>60 steps with a small adapter: see whether it goes the right way.</source>
      <translation>60 步，小适配器：看看方向对不对。</translation>
    </message>
    <message>
      <source>Balanced</source>
      <translation>均衡</translation>
    </message>
    <message>
      <source>Two passes over the dataset: right for most.</source>
      <translation>遍历数据集两次：适合多数情况。</translation>
    </message>
    <message>
      <source>Thorough</source>
      <translation>充分</translation>
    </message>
    <message>
      <source>Four passes, larger adapter and batches: when the result matters.</source>
      <translation>四次遍历，更大的适配器和批：看重结果时。</translation>
    </message>
    <message>
      <source>How thoroughly</source>
      <translation>训练力度</translation>
    </message>
    <message>
      <source>Set by hand: see Advanced.</source>
      <translation>手动设置：见“高级”。</translation>
    </message>
    <message>
      <source>Sample prompts</source>
      <translation>样例提示</translation>
    </message>
    <message>
      <source>One a line, such as: What is the capital of Italy?</source>
      <translation>每行一个，例如：意大利的首都是哪里？</translation>
    </message>
    <message>
      <source>Questions to watch</source>
      <translation>观察用的问题</translation>
    </message>
    <message>
      <source>The model answers these now and again, so that you see how it changes.</source>
      <translation>模型会不时回答这些问题，让你看到它的变化。</translation>
    </message>
    <message>
      <source>Advanced</source>
      <translation>高级</translation>
    </message>
    <message>
      <source>Start Training</source>
      <translation>开始训练</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>训练</translation>
    </message>
    <message>
      <source>Adapter</source>
      <translation>适配器</translation>
    </message>
    <message>
      <source>Data</source>
      <translation>数据</translation>
    </message>
    <message>
      <source>Quantize the base (QLoRA)</source>
      <translation>量化基础模型 (QLoRA)</translation>
    </message>
    <message>
      <source>The base takes a quarter of the memory; the adapter stays exact</source>
      <translation>基础模型只占四分之一内存；适配器保持精确</translation>
    </message>
    <message>
      <source>Choose a Dataset</source>
      <translation>选择数据集</translation>
    </message>
    <message>
      <source>Datasets ({patterns})</source>
      <translation>数据集 ({patterns})</translation>
    </message>
    <message>
      <source>{count} steps</source>
      <translation>{count} 步</translation>
    </message>
    <message>
      <source>at least {time}</source>
      <translation>至少 {time}</translation>
    </message>
    <message>
      <source>about {size} of memory</source>
      <translation>约 {size} 内存</translation>
    </message>
  </context>
  <context>
    <name>Side</name>
    <message>
      <source>Starting</source>
      <translation>正在启动</translation>
    </message>
  </context>
  <context>
    <name>Sidebar</name>
    <message>
      <source>Pages</source>
      <translation>页面</translation>
    </message>
  </context>
  <context>
    <name>Stages</name>
    <message>
      <source>Measuring</source>
      <translation>正在测量</translation>
    </message>
    <message>
      <source>Writing the GGUF file</source>
      <translation>正在写入 GGUF 文件</translation>
    </message>
    <message>
      <source>Writing the adapter</source>
      <translation>正在写入适配器</translation>
    </message>
    <message>
      <source>Reading the Flax weights</source>
      <translation>正在读取 Flax 权重</translation>
    </message>
    <message>
      <source>Reading the Keras weights</source>
      <translation>正在读取 Keras 权重</translation>
    </message>
    <message>
      <source>Merging</source>
      <translation>正在合并</translation>
    </message>
    <message>
      <source>Answering</source>
      <translation>正在回答</translation>
    </message>
    <message>
      <source>Reading the prompt</source>
      <translation>正在读取提示</translation>
    </message>
    <message>
      <source>Loading the model</source>
      <translation>正在加载模型</translation>
    </message>
    <message>
      <source>Reading the dataset</source>
      <translation>正在读取数据集</translation>
    </message>
    <message>
      <source>Laying rows end to end</source>
      <translation>正在将样本首尾相接</translation>
    </message>
    <message>
      <source>Padding rows, sorted by length</source>
      <translation>正在按长度填充样本</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>训练</translation>
    </message>
    <message>
      <source>Resuming</source>
      <translation>正在恢复</translation>
    </message>
    <message>
      <source>Validating</source>
      <translation>正在验证</translation>
    </message>
    <message>
      <source>Quantizing</source>
      <translation>正在量化</translation>
    </message>
    <message>
      <source>Copying</source>
      <translation>正在复制</translation>
    </message>
  </context>
  <context>
    <name>System</name>
    <message>
      <source>Show in Finder</source>
      <translation>在访达中显示</translation>
    </message>
    <message>
      <source>Show in Folder</source>
      <translation>在文件夹中显示</translation>
    </message>
  </context>
  <context>
    <name>Wording</name>
    <message>
      <source>TB</source>
      <translation>TB</translation>
    </message>
    <message>
      <source>GB</source>
      <translation>GB</translation>
    </message>
    <message>
      <source>MB</source>
      <translation>MB</translation>
    </message>
    <message>
      <source>KB</source>
      <translation>KB</translation>
    </message>
    <message>
      <source>bytes</source>
      <translation>字节</translation>
    </message>
    <message>
      <source>{number} billion parameters</source>
      <translation>{number} B 参数</translation>
    </message>
    <message>
      <source>{number} million parameters</source>
      <translation>{number} M 参数</translation>
    </message>
    <message>
      <source>{number} parameters</source>
      <translation>{number} 个参数</translation>
    </message>
    <message>
      <source>{seconds} s</source>
      <translation>{seconds} 秒</translation>
    </message>
    <message>
      <source>{minutes} min</source>
      <translation>{minutes} 分钟</translation>
    </message>
    <message>
      <source>{hours} h {minutes} min</source>
      <translation>{hours} 小时 {minutes} 分</translation>
    </message>
    <message>
      <source>Yesterday</source>
      <translation>昨天</translation>
    </message>
    <message>
      <source>Fits</source>
      <translation>合适</translation>
    </message>
    <message>
      <source>Tight</source>
      <translation>紧张</translation>
    </message>
    <message>
      <source>Needs {needed}, this Mac allows {allowed}</source>
      <translation>需要 {needed}，这台 Mac 允许 {allowed}</translation>
    </message>
    <message>
      <source>Needs {needed}, this computer allows {allowed}</source>
      <translation>需要 {needed}，这台电脑允许 {allowed}</translation>
    </message>
    <message>
      <source>Not known</source>
      <translation>未知</translation>
    </message>
    <message>
      <source>This Mac has {total} of memory and allows {allowed} for a model.</source>
      <translation>这台 Mac 有 {total} 内存，模型可用 {allowed}。</translation>
    </message>
    <message>
      <source>This computer has {total} of memory and allows {allowed} for a model.</source>
      <translation>这台电脑有 {total} 内存，模型可用 {allowed}。</translation>
    </message>
    <message>
      <source>Needs {needed}</source>
      <translation>需要 {needed}</translation>
    </message>
    <message>
      <source>Too large</source>
      <translation>太大</translation>
    </message>
    <message>
      <source>Downloading {name}</source>
      <translation>正在下载 {name}</translation>
    </message>
    <message>
      <source>Asking for {name}</source>
      <translation>正在查询 {name}</translation>
    </message>
  </context>
  <context>
    <name>WorkerProcess</name>
    <message>
      <source>The worker has already ended.</source>
      <translation>工作进程已经结束。</translation>
    </message>
    <message>
      <source>Start it again; the rest of the app is not touched.</source>
      <translation>请重新开始；应用的其余部分不受影响。</translation>
    </message>
    <message>
      <source>Worker process {pid}</source>
      <translation>工作进程 {pid}</translation>
    </message>
    <message>
      <source>Worker process</source>
      <translation>工作进程</translation>
    </message>
    <message>
      <source>The worker program could not be started.</source>
      <translation>无法启动工作程序。</translation>
    </message>
    <message>
      <source>Reinstall Gemma MLX: its worker is missing or may not be run.</source>
      <translation>请重新安装 Gemma MLX：其工作程序缺失或无权运行。</translation>
    </message>
    <message>
      <source>The worker started, but did not answer.</source>
      <translation>工作进程已启动，但没有应答。</translation>
    </message>
    <message>
      <source>The worker sent something that cannot be read, and was ended.</source>
      <translation>工作进程发来无法读取的内容，已被结束。</translation>
    </message>
    <message>
      <source>The worker was stopped.</source>
      <translation>工作进程已停止。</translation>
    </message>
    <message>
      <source>The system ended the worker, most likely because memory ran out.</source>
      <translation>系统结束了工作进程，很可能是内存不足。</translation>
    </message>
    <message>
      <source>Close other programs, or choose a smaller model, batch or length; then start it again.</source>
      <translation>请关闭其他程序，或选择更小的模型、批或长度，然后重新开始。</translation>
    </message>
    <message>
      <source>The worker crashed (signal {number}).</source>
      <translation>工作进程崩溃（信号 {number}）。</translation>
    </message>
    <message>
      <source>The worker ended before its work was done (status {code}).</source>
      <translation>工作进程未完成就结束了（状态 {code}）。</translation>
    </message>
  </context>
</TS>
