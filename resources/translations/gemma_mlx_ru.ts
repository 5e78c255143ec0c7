<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="ru" sourcelanguage="en">
  <context>
    <name>AboutDialog</name>
    <message>
      <source>About Gemma MLX</source>
      <translation>О программе Gemma MLX</translation>
    </message>
    <message>
      <source>Fine-tune and run Google’s Gemma on your own Mac. Everything stays on this machine.</source>
      <translation>Дообучайте и запускайте Gemma от Google на своём Mac. Всё остаётся на этом компьютере.</translation>
    </message>
    <message>
      <source>Licences</source>
      <translation>Лицензии</translation>
    </message>
    <message>
      <source>Version {version}</source>
      <translation>Версия {version}</translation>
    </message>
  </context>
  <context>
    <name>Banner</name>
    <message>
      <source>Dismiss this message</source>
      <translation>Закрыть это сообщение</translation>
    </message>
    <message>
      <source>Dismiss</source>
      <translation>Закрыть</translation>
    </message>
    <message>
      <source>To mend it: {fix}</source>
      <translation>Как исправить: {fix}</translation>
    </message>
    <message>
      <source>Kept: {kept}</source>
      <translation>Сохранено: {kept}</translation>
    </message>
  </context>
  <context>
    <name>Chart</name>
    <message>
      <source>Wheel or pinch: zoom. Drag: move. Double click: show all.</source>
      <translation>Колесо или щипок — масштаб, перетаскивание — сдвиг, двойной щелчок — показать всё.</translation>
    </message>
    <message>
      <source>Step {step}</source>
      <translation>Шаг {step}</translation>
    </message>
  </context>
  <context>
    <name>ChatPage</name>
    <message>
      <source>Chat</source>
      <translation>Чат</translation>
    </message>
    <message>
      <source>New Chat</source>
      <translation>Новый чат</translation>
    </message>
    <message>
      <source>History</source>
      <translation>История</translation>
    </message>
    <message>
      <source>Compare</source>
      <translation>Сравнение</translation>
    </message>
    <message>
      <source>One prompt, two models side by side</source>
      <translation>Один запрос, две модели рядом</translation>
    </message>
    <message>
      <source>Settings</source>
      <translation>Настройки</translation>
    </message>
    <message>
      <source>There is no model to talk to yet</source>
      <translation>Пока не с кем говорить: нет модели</translation>
    </message>
    <message>
      <source>A chat needs a Gemma on this computer. Download or import one, then come back here.</source>
      <translation>Для чата нужна Gemma на этом компьютере. Скачайте или импортируйте её и вернитесь сюда.</translation>
    </message>
    <message>
      <source>Go to Models</source>
      <translation>К моделям</translation>
    </message>
    <message>
      <source>An answer is being written.</source>
      <translation>Пишется ответ.</translation>
    </message>
    <message>
      <source>Everything stays on this computer</source>
      <translation>Всё остаётся на этом компьютере</translation>
    </message>
    <message>
      <source>Its answers to the same prompts appear here.</source>
      <translation>Здесь появятся её ответы на те же запросы.</translation>
    </message>
    <message>
      <source>The other side</source>
      <translation>Другая сторона</translation>
    </message>
    <message>
      <source>Type below, or try one of these.</source>
      <translation>Напишите ниже или выберите одно из этих.</translation>
    </message>
    <message>
      <source>What is the capital of Italy?</source>
      <translation>Какая столица у Италии?</translation>
    </message>
    <message>
      <source>What is 12 plus 7?</source>
      <translation>Сколько будет 12 плюс 7?</translation>
    </message>
    <message>
      <source>Ask something</source>
      <translation>Спросите о чём-нибудь</translation>
    </message>
  </context>
  <context>
    <name>ChatPresenter</name>
    <message>
      <source>The chat is deleted</source>
      <translation>Чат удалён</translation>
    </message>
  </context>
  <context>
    <name>CodeBlock</name>
    <message>
      <source>Code</source>
      <translation>Код</translation>
    </message>
    <message>
      <source>Copy</source>
      <translation>Копировать</translation>
    </message>
    <message>
      <source>Copy this code</source>
      <translation>Копировать этот код</translation>
    </message>
    <message>
      <source>code</source>
      <translation>код</translation>
    </message>
    <message>
      <source>Copied</source>
      <translation>Скопировано</translation>
    </message>
  </context>
  <context>
    <name>CompareView</name>
    <message>
      <source>Training loss, smoothed</source>
      <translation>Потери обучения, сглажено</translation>
    </message>
    <message>
      <source>Validation loss</source>
      <translation>Потери проверки</translation>
    </message>
    <message>
      <source>Comparison</source>
      <translation>Сравнение</translation>
    </message>
    <message>
      <source>What differs</source>
      <translation>Чем отличаются</translation>
    </message>
    <message>
      <source>The first {count} of the chosen runs are shown.</source>
      <translation>Показаны первые из выбранных запусков: {count}.</translation>
    </message>
    <message>
      <source>The settings are the same.</source>
      <translation>Настройки одинаковы.</translation>
    </message>
  </context>
  <context>
    <name>Composer</name>
    <message>
      <source>Your message</source>
      <translation>Ваше сообщение</translation>
    </message>
    <message>
      <source>Ask something. Return sends, Shift-Return begins a new line.</source>
      <translation>Спросите. Return отправляет, Shift-Return — новая строка.</translation>
    </message>
    <message>
      <source>Send</source>
      <translation>Отправить</translation>
    </message>
    <message>
      <source>Stop</source>
      <translation>Остановить</translation>
    </message>
    <message>
      <source>End the answer and keep what was said (Ctrl+.)</source>
      <translation>Закончить ответ и сохранить сказанное (Ctrl+.)</translation>
    </message>
    <message>
      <source>Use of the context</source>
      <translation>Занятость контекста</translation>
    </message>
    <message>
      <source>{used} of {whole} tokens</source>
      <translation>{used} из {whole} токенов</translation>
    </message>
    <message>
      <source>nearly full: begin a new chat</source>
      <translation>почти заполнено: начните новый чат</translation>
    </message>
  </context>
  <context>
    <name>ConfigForm</name>
    <message>
      <source>Advanced</source>
      <translation>Дополнительно</translation>
    </message>
    <message>
      <source>Must be more than {gt}.</source>
      <translation>Должно быть больше {gt}.</translation>
    </message>
    <message>
      <source>Must be at least {ge}.</source>
      <translation>Не меньше {ge}.</translation>
    </message>
    <message>
      <source>Must be less than {lt}.</source>
      <translation>Должно быть меньше {lt}.</translation>
    </message>
    <message>
      <source>Must be at most {le}.</source>
      <translation>Не больше {le}.</translation>
    </message>
    <message>
      <source>Must be a number.</source>
      <translation>Нужно число.</translation>
    </message>
    <message>
      <source>Must be a whole number.</source>
      <translation>Нужно целое число.</translation>
    </message>
    <message>
      <source>Automatic</source>
      <translation>Автоматически</translation>
    </message>
    <message>
      <source>One a line</source>
      <translation>По одному в строке</translation>
    </message>
    <message>
      <source>Separated by commas</source>
      <translation>Через запятую</translation>
    </message>
  </context>
  <context>
    <name>ConversationView</name>
    <message>
      <source>Conversation</source>
      <translation>Беседа</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>Модель</translation>
    </message>
    <message>
      <source>You</source>
      <translation>Вы</translation>
    </message>
  </context>
  <context>
    <name>DatasetsPage</name>
    <message>
      <source>Looking through the dataset</source>
      <translation>Просмотр набора данных</translation>
    </message>
    <message>
      <source>Open a Dataset</source>
      <translation>Открыть набор данных</translation>
    </message>
    <message>
      <source>Datasets ({patterns})</source>
      <translation>Наборы данных ({patterns})</translation>
    </message>
    <message>
      <source>Open…</source>
      <translation>Открыть…</translation>
    </message>
    <message>
      <source>Recent</source>
      <translation>Недавние</translation>
    </message>
    <message>
      <source>Fine-Tune with This</source>
      <translation>Обучить на нём</translation>
    </message>
    <message>
      <source>Datasets</source>
      <translation>Данные</translation>
    </message>
    <message>
      <source>Drop a file here: JSON lines, JSON, CSV, Parquet or plain text. You will see every row as the model sees it, and which of its words are learned.</source>
      <translation>Перетащите сюда файл: JSON Lines, JSON, CSV, Parquet или текст. Вы увидите каждую строку так, как её видит модель, и какие слова она учит.</translation>
    </message>
    <message>
      <source>Open a File…</source>
      <translation>Открыть файл…</translation>
    </message>
    <message>
      <source>Open the Demo Dataset</source>
      <translation>Открыть демо-набор</translation>
    </message>
    <message>
      <source>No dataset is open</source>
      <translation>Набор данных не открыт</translation>
    </message>
    <message>
      <source>Rows of the dataset</source>
      <translation>Строки набора данных</translation>
    </message>
    <message>
      <source>Tokens</source>
      <translation>Токены</translation>
    </message>
    <message>
      <source>Learned</source>
      <translation>Учится</translation>
    </message>
    <message>
      <source>Rows</source>
      <translation>Строки</translation>
    </message>
    <message>
      <source>Problems</source>
      <translation>Проблемы</translation>
    </message>
    <message>
      <source>Rows that cannot be used</source>
      <translation>Непригодные строки</translation>
    </message>
    <message>
      <source>Leave these rows out and use the rest</source>
      <translation>Пропустить эти строки, взять остальные</translation>
    </message>
    <message>
      <source>No problems</source>
      <translation>Проблем нет</translation>
    </message>
    <message>
      <source>Every row that was looked at can be used.</source>
      <translation>Все просмотренные строки пригодны.</translation>
    </message>
    <message>
      <source>What the model learns from</source>
      <translation>То, на чём учится модель</translation>
    </message>
    <message>
      <source>{path} · {size} · {rows} rows</source>
      <translation>{path} · {size} · строк: {rows}</translation>
    </message>
    <message>
      <source>It is not clear what the columns mean</source>
      <translation>Непонятно, что означают столбцы</translation>
    </message>
    <message>
      <source>Choose a format and say which column is what, beside the rows.</source>
      <translation>Выберите рядом со строками формат и укажите назначение столбцов.</translation>
    </message>
    <message>
      <source>{count} rows cannot be used</source>
      <translation>Непригодных строк: {count}</translation>
    </message>
    <message>
      <source>Mend them in the file and open it again, or leave them out of the training.</source>
      <translation>Исправьте их в файле и откройте его снова или пропустите при обучении.</translation>
    </message>
    <message>
      <source>Leave Them Out</source>
      <translation>Пропустить</translation>
    </message>
    <message>
      <source>Show Them</source>
      <translation>Показать</translation>
    </message>
    <message>
      <source>There is nothing to learn in this dataset</source>
      <translation>В этом наборе нечему учиться</translation>
    </message>
    <message>
      <source>See the problems, or choose another format or other columns.</source>
      <translation>Посмотрите проблемы или выберите другой формат или столбцы.</translation>
    </message>
    <message>
      <source>Rows ({count})</source>
      <translation>Строки ({count})</translation>
    </message>
    <message>
      <source>Problems ({count})</source>
      <translation>Проблемы ({count})</translation>
    </message>
    <message>
      <source>{count} rows cannot be used.</source>
      <translation>Непригодных строк: {count}.</translation>
    </message>
    <message>
      <source>The first {count} are listed.</source>
      <translation>Перечислены первые {count}.</translation>
    </message>
    <message>
      <source>Try Again</source>
      <translation>Ещё раз</translation>
    </message>
    <message>
      <source>The dataset’s worker does not answer</source>
      <translation>Процесс набора данных не отвечает</translation>
    </message>
    <message>
      <source>It may be swapping memory. Wait, or open the dataset again.</source>
      <translation>Возможно, не хватает памяти. Подождите или откройте набор снова.</translation>
    </message>
  </context>
  <context>
    <name>Details</name>
    <message>
      <source>Select a model to see what it is.</source>
      <translation>Выберите модель, чтобы узнать о ней.</translation>
    </message>
    <message>
      <source>Chat</source>
      <translation>Чат</translation>
    </message>
    <message>
      <source>Fine-Tune</source>
      <translation>Обучить</translation>
    </message>
    <message>
      <source>Quantize…</source>
      <translation>Квантовать…</translation>
    </message>
    <message>
      <source>Merge into Base…</source>
      <translation>Слить с базой…</translation>
    </message>
    <message>
      <source>Export…</source>
      <translation>Экспорт…</translation>
    </message>
    <message>
      <source>Write it for LM Studio, Ollama, llama.cpp and other programs</source>
      <translation>Записать для LM Studio, Ollama, llama.cpp и других программ</translation>
    </message>
    <message>
      <source>Move to Trash</source>
      <translation>В корзину</translation>
    </message>
    <message>
      <source>This model cannot be used: {problem}</source>
      <translation>Эту модель нельзя использовать: {problem}</translation>
    </message>
    <message>
      <source>There is no tokenizer in this folder, so it cannot read or write text.</source>
      <translation>В этой папке нет токенизатора, поэтому модель не может читать и писать.</translation>
    </message>
    <message>
      <source>Copy tokenizer.json or tokenizer.model of this model into the folder.</source>
      <translation>Скопируйте в папку tokenizer.json или tokenizer.model этой модели.</translation>
    </message>
    <message>
      <source>Folder</source>
      <translation>Папка</translation>
    </message>
    <message>
      <source>Rank</source>
      <translation>Ранг</translation>
    </message>
    <message>
      <source>Trained in</source>
      <translation>Обучен в</translation>
    </message>
    <message>
      <source>Generation</source>
      <translation>Поколение</translation>
    </message>
    <message>
      <source>Size</source>
      <translation>Размер</translation>
    </message>
    <message>
      <source>Weights</source>
      <translation>Веса</translation>
    </message>
    <message>
      <source>Context</source>
      <translation>Контекст</translation>
    </message>
    <message>
      <source>{count} tokens</source>
      <translation>токенов: {count}</translation>
    </message>
    <message>
      <source>Memory to chat</source>
      <translation>Память для чата</translation>
    </message>
    <message>
      <source>From</source>
      <translation>Откуда</translation>
    </message>
    <message>
      <source>Compared</source>
      <translation>Сверка</translation>
    </message>
    <message>
      <source>On disk</source>
      <translation>На диске</translation>
    </message>
    <message>
      <source>Verified against {reference}, {date}</source>
      <translation>Сверено с {reference}, {date}</translation>
    </message>
    <message>
      <source>Differs from {reference}, {date}</source>
      <translation>Расходится с {reference}, {date}</translation>
    </message>
    <message>
      <source>Gemma MLX’s folder</source>
      <translation>Папка Gemma MLX</translation>
    </message>
    <message>
      <source>Hugging Face cache</source>
      <translation>Кэш Hugging Face</translation>
    </message>
    <message>
      <source>Comes with the app</source>
      <translation>Из состава программы</translation>
    </message>
    <message>
      <source>Another folder</source>
      <translation>Другая папка</translation>
    </message>
  </context>
  <context>
    <name>DownloadDialog</name>
    <message>
      <source>Download a Model</source>
      <translation>Скачать модель</translation>
    </message>
    <message>
      <source>Filter, or the name of a model on the Hub</source>
      <translation>Фильтр или имя модели на Hub</translation>
    </message>
    <message>
      <source>Filter, or owner/name of a model on the Hub</source>
      <translation>Фильтр или владелец/имя модели на Hub</translation>
    </message>
    <message>
      <source>Search the Hub</source>
      <translation>Искать на Hub</translation>
    </message>
    <message>
      <source>Asks over the network; the catalogue is here already</source>
      <translation>Спрашивает по сети; сам каталог уже здесь</translation>
    </message>
    <message>
      <source>Models to download</source>
      <translation>Модели для скачивания</translation>
    </message>
    <message>
      <source>Download</source>
      <translation>Скачать</translation>
    </message>
    <message>
      <source>Its makers ask you to accept a licence on its page once, with an account there. Then make an access token there and paste it here; it is kept in this system’s keychain.</source>
      <translation>Авторы просят один раз принять лицензию на странице модели, войдя в учётную запись. Затем создайте там токен доступа и вставьте его сюда; он хранится в связке ключей этой системы.</translation>
    </message>
    <message>
      <source>Open Its Page</source>
      <translation>Открыть страницу</translation>
    </message>
    <message>
      <source>Access token</source>
      <translation>Токен доступа</translation>
    </message>
    <message>
      <source>Access token (hf_…), if none is kept yet</source>
      <translation>Токен (hf_…), если ещё не сохранён</translation>
    </message>
    <message>
      <source>Keep Token</source>
      <translation>Сохранить токен</translation>
    </message>
    <message>
      <source>Asking…</source>
      <translation>Запрашиваю…</translation>
    </message>
    <message>
      <source>None of these. Search the Hub for it, or type its owner/name.</source>
      <translation>Таких нет. Поищите на Hub или введите владелец/имя.</translation>
    </message>
    <message>
      <source>The token is kept in the keychain</source>
      <translation>Токен сохранён в связке ключей</translation>
    </message>
  </context>
  <context>
    <name>ExportDialog</name>
    <message>
      <source>Export {name}</source>
      <translation>Экспорт {name}</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>Формат</translation>
    </message>
    <message>
      <source>Name of the new folder</source>
      <translation>Имя новой папки</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>Выбрать…</translation>
    </message>
    <message>
      <source>Choose where the folder is made</source>
      <translation>Выбрать, где создать папку</translation>
    </message>
    <message>
      <source>Format:</source>
      <translation>Формат:</translation>
    </message>
    <message>
      <source>Name:</source>
      <translation>Имя:</translation>
    </message>
    <message>
      <source>Where:</source>
      <translation>Где:</translation>
    </message>
    <message>
      <source>Export</source>
      <translation>Экспортировать</translation>
    </message>
    <message>
      <source>For LM Studio, Ollama and llama.cpp. A Modelfile for Ollama lies beside it.</source>
      <translation>Для LM Studio, Ollama и llama.cpp. Рядом лежит Modelfile для Ollama.</translation>
    </message>
    <message>
      <source>GGUF, 8 bit</source>
      <translation>GGUF, 8 бит</translation>
    </message>
    <message>
      <source>Half the size, nearly as exact.</source>
      <translation>Вдвое меньше, почти так же точно.</translation>
    </message>
    <message>
      <source>GGUF, 4 bit</source>
      <translation>GGUF, 4 бита</translation>
    </message>
    <message>
      <source>A quarter of the size, less exact.</source>
      <translation>Вчетверо меньше, менее точно.</translation>
    </message>
    <message>
      <source>GGUF, 16 bit</source>
      <translation>GGUF, 16 бит</translation>
    </message>
    <message>
      <source>As exact as the model.</source>
      <translation>Так же точно, как сама модель.</translation>
    </message>
    <message>
      <source>GGUF, bfloat16</source>
      <translation>GGUF, bfloat16</translation>
    </message>
    <message>
      <source>Exact, with the range of the training.</source>
      <translation>Точно, с диапазоном чисел как при обучении.</translation>
    </message>
    <message>
      <source>Base and adapter as one model, for transformers, MLX and others.</source>
      <translation>База и адаптер одной моделью, для transformers, MLX и других.</translation>
    </message>
    <message>
      <source>Only what was learned: small, to be used beside the base (llama-cli --lora).</source>
      <translation>Только выученное: мало места, используется вместе с базой (llama-cli --lora).</translation>
    </message>
    <message>
      <source>Only what was learned, for mlx_lm.generate --adapter-path.</source>
      <translation>Только выученное, для mlx_lm.generate --adapter-path.</translation>
    </message>
    <message>
      <source>Safetensors, merged</source>
      <translation>Safetensors, одной моделью</translation>
    </message>
    <message>
      <source>Adapter for llama.cpp</source>
      <translation>Адаптер для llama.cpp</translation>
    </message>
    <message>
      <source>Adapter for mlx-lm</source>
      <translation>Адаптер для mlx-lm</translation>
    </message>
    <message>
      <source>Export into Which Folder?</source>
      <translation>В какую папку экспортировать?</translation>
    </message>
    <message>
      <source>There is a folder of this name already.</source>
      <translation>Папка с таким именем уже есть.</translation>
    </message>
  </context>
  <context>
    <name>FinetunePage</name>
    <message>
      <source>Fine-tune</source>
      <translation>Обучение</translation>
    </message>
    <message>
      <source>Teach a model from examples</source>
      <translation>Научите модель на примерах</translation>
    </message>
    <message>
      <source>New Run</source>
      <translation>Новый запуск</translation>
    </message>
    <message>
      <source>Writing a model</source>
      <translation>Запись модели</translation>
    </message>
    <message>
      <source>There is no model to teach yet</source>
      <translation>Пока некого учить: нет модели</translation>
    </message>
    <message>
      <source>Fine-tuning begins with a Gemma here. Download or import one, then come back.</source>
      <translation>Обучение начинается с Gemma на этом компьютере. Скачайте или импортируйте её и вернитесь сюда.</translation>
    </message>
    <message>
      <source>Go to Models</source>
      <translation>К моделям</translation>
    </message>
    <message>
      <source>The run {name} is training.</source>
      <translation>Запуск {name} обучается.</translation>
    </message>
    <message>
      <source>Runs</source>
      <translation>Запуски</translation>
    </message>
    <message>
      <source>Select several runs to compare their curves.</source>
      <translation>Выберите несколько запусков, чтобы сравнить кривые.</translation>
    </message>
    <message>
      <source>Resume</source>
      <translation>Продолжить</translation>
    </message>
    <message>
      <source>The training does not answer</source>
      <translation>Обучение не отвечает</translation>
    </message>
    <message>
      <source>It may be swapping memory, or stopped. Checkpoints are safe: wait, or end it and resume.</source>
      <translation>Возможно, идёт подкачка памяти или процесс остановлен. Контрольные точки целы: подождите или завершите его и продолжите.</translation>
    </message>
    <message>
      <source>End It</source>
      <translation>Завершить</translation>
    </message>
    <message>
      <source>Merge into Base</source>
      <translation>Слить с базой</translation>
    </message>
    <message>
      <source>Name of the new model:</source>
      <translation>Название новой модели:</translation>
    </message>
  </context>
  <context>
    <name>FinetunePresenter</name>
    <message>
      <source>This run cannot go on: its run.json cannot be read.</source>
      <translation>Этот запуск нельзя продолжить: его run.json не читается.</translation>
    </message>
    <message>
      <source>Start a new run.</source>
      <translation>Начните новый запуск.</translation>
    </message>
    <message>
      <source>{name} cannot be moved to the trash.</source>
      <translation>Не удалось переместить {name} в корзину.</translation>
    </message>
    <message>
      <source>Delete the folder in the Finder.</source>
      <translation>Удалите папку в Finder.</translation>
    </message>
    <message>
      <source>{name} is in the trash</source>
      <translation>{name} в корзине</translation>
    </message>
    <message>
      <source>Starting</source>
      <translation>Запуск</translation>
    </message>
    <message>
      <source>The training is done</source>
      <translation>Обучение завершено</translation>
    </message>
    <message>
      <source>The training was stopped; what was learned is kept</source>
      <translation>Обучение остановлено; выученное сохранено</translation>
    </message>
    <message>
      <source>The training is paused</source>
      <translation>Обучение приостановлено</translation>
    </message>
    <message>
      <source>{name}: step {step}</source>
      <translation>{name}: шаг {step}</translation>
    </message>
    <message>
      <source>The training ended with an error</source>
      <translation>Обучение закончилось ошибкой</translation>
    </message>
    <message>
      <source>{name} is written</source>
      <translation>{name} записано</translation>
    </message>
    <message>
      <source>It cannot be put back: {reason}</source>
      <translation>Не удалось вернуть: {reason}</translation>
    </message>
    <message>
      <source>Take it out of the trash in the Finder.</source>
      <translation>Достаньте её из корзины в Finder.</translation>
    </message>
  </context>
  <context>
    <name>Formats</name>
    <message>
      <source>Automatic</source>
      <translation>Автоматически</translation>
    </message>
    <message>
      <source>Prompt and answer</source>
      <translation>Запрос и ответ</translation>
    </message>
    <message>
      <source>Chat messages</source>
      <translation>Сообщения чата</translation>
    </message>
    <message>
      <source>Instruction (Alpaca)</source>
      <translation>Инструкция (Alpaca)</translation>
    </message>
    <message>
      <source>Conversations (ShareGPT)</source>
      <translation>Беседы (ShareGPT)</translation>
    </message>
    <message>
      <source>Preferences</source>
      <translation>Предпочтения</translation>
    </message>
    <message>
      <source>Plain text</source>
      <translation>Простой текст</translation>
    </message>
    <message>
      <source>Each row is a prompt and its answer.</source>
      <translation>Каждая строка — запрос и ответ на него.</translation>
    </message>
    <message>
      <source>Each row is a chat, message by message.</source>
      <translation>Каждая строка — чат, сообщение за сообщением.</translation>
    </message>
    <message>
      <source>Each row is an instruction, its input and the answer.</source>
      <translation>Каждая строка — инструкция, ввод и ответ.</translation>
    </message>
    <message>
      <source>Each row is a prompt with a preferred and a rejected answer.</source>
      <translation>Каждая строка — запрос с лучшим и худшим ответом.</translation>
    </message>
    <message>
      <source>Each row is a text to continue.</source>
      <translation>Каждая строка — текст для продолжения.</translation>
    </message>
    <message>
      <source>Prompt</source>
      <translation>Запрос</translation>
    </message>
    <message>
      <source>Answer</source>
      <translation>Ответ</translation>
    </message>
    <message>
      <source>System text</source>
      <translation>Системный текст</translation>
    </message>
    <message>
      <source>Messages</source>
      <translation>Сообщения</translation>
    </message>
    <message>
      <source>Instruction</source>
      <translation>Инструкция</translation>
    </message>
    <message>
      <source>Input</source>
      <translation>Ввод</translation>
    </message>
    <message>
      <source>Conversations</source>
      <translation>Беседы</translation>
    </message>
    <message>
      <source>Preferred answer</source>
      <translation>Лучший ответ</translation>
    </message>
    <message>
      <source>Rejected answer</source>
      <translation>Худший ответ</translation>
    </message>
    <message>
      <source>Text</source>
      <translation>Текст</translation>
    </message>
  </context>
  <context>
    <name>HistoryView</name>
    <message>
      <source>Search all chats</source>
      <translation>Поиск по всем чатам</translation>
    </message>
    <message>
      <source>Chats</source>
      <translation>Чаты</translation>
    </message>
    <message>
      <source>Rename…</source>
      <translation>Переименовать…</translation>
    </message>
    <message>
      <source>Export as Markdown…</source>
      <translation>Экспорт в Markdown…</translation>
    </message>
    <message>
      <source>Export as JSON…</source>
      <translation>Экспорт в JSON…</translation>
    </message>
    <message>
      <source>Delete</source>
      <translation>Удалить</translation>
    </message>
    <message>
      <source>No chat holds these words.</source>
      <translation>Ни в одном чате нет этих слов.</translation>
    </message>
    <message>
      <source>Your chats will be kept here.</source>
      <translation>Здесь будут храниться ваши чаты.</translation>
    </message>
    <message>
      <source>Rename the Chat</source>
      <translation>Переименовать чат</translation>
    </message>
    <message>
      <source>Title:</source>
      <translation>Название:</translation>
    </message>
    <message>
      <source>Export the Chat</source>
      <translation>Экспорт чата</translation>
    </message>
    <message>
      <source>{name} is written</source>
      <translation>{name} записано</translation>
    </message>
  </context>
  <context>
    <name>Inspector</name>
    <message>
      <source>Lengths</source>
      <translation>Длины</translation>
    </message>
    <message>
      <source>How it is read</source>
      <translation>Как читать</translation>
    </message>
    <message>
      <source>Its tokenizer counts tokens, its chat template lays the rows out</source>
      <translation>Её токенизатор считает токены, её шаблон чата оформляет строки</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>Модель</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>Формат</translation>
    </message>
    <message>
      <source>What is learned</source>
      <translation>Чему учится</translation>
    </message>
    <message>
      <source>{train} rows to train, {valid} to validate</source>
      <translation>Для обучения: {train}, для проверки: {valid}</translation>
    </message>
    <message>
      <source>Median {median}, 95 % below {most}, longest {longest} tokens. {share} of the tokens are learned.</source>
      <translation>Медиана {median}, 95 % короче {most}, самая длинная {longest} токенов. Учится {share} токенов.</translation>
    </message>
    <message>
      <source>{count} rows are cut at {limit} tokens.</source>
      <translation>Обрезано на {limit} токенах: {count}.</translation>
    </message>
    <message>
      <source>{count} rows are copies of others.</source>
      <translation>Повторов: {count}.</translation>
    </message>
    <message>
      <source>Lengths are estimates: choose a model to count with its tokenizer.</source>
      <translation>Длины приблизительны: выберите модель, чтобы считать её токенизатором.</translation>
    </message>
    <message>
      <source>Lengths were measured on {count} rows.</source>
      <translation>Длины измерены на строках: {count}.</translation>
    </message>
    <message>
      <source>None</source>
      <translation>Нет</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>Выбрать…</translation>
    </message>
    <message>
      <source>No model: lengths are estimated</source>
      <translation>Нет модели: длины приблизительны</translation>
    </message>
  </context>
  <context>
    <name>Job</name>
    <message>
      <source>The checkpoint of step {step} is safe on disk.</source>
      <translation>Контрольная точка шага {step} надёжно записана.</translation>
    </message>
  </context>
  <context>
    <name>LengthHistogram</name>
    <message>
      <source>Lengths of {count} examples, median {median}, longest {longest} tokens</source>
      <translation>Длины примеров ({count}): медиана {median}, наибольшая {longest} токенов</translation>
    </message>
    <message>
      <source>tokens</source>
      <translation>токены</translation>
    </message>
    <message>
      <source>{count} with {first} to {last} tokens</source>
      <translation>{count}: от {first} до {last} токенов</translation>
    </message>
  </context>
  <context>
    <name>MainWindow</name>
    <message>
      <source>The diagnostics are on the clipboard</source>
      <translation>Диагностика в буфере обмена</translation>
    </message>
    <message>
      <source>Models</source>
      <translation>Модели</translation>
    </message>
    <message>
      <source>Datasets</source>
      <translation>Данные</translation>
    </message>
    <message>
      <source>Fine-tune</source>
      <translation>Обучение</translation>
    </message>
    <message>
      <source>Chat</source>
      <translation>Чат</translation>
    </message>
    <message>
      <source>Something is still running</source>
      <translation>Ещё идёт работа</translation>
    </message>
    <message>
      <source>If you quit, it stops with a checkpoint and can be resumed later.</source>
      <translation>При выходе работа остановится с контрольной точкой; её можно продолжить позже.</translation>
    </message>
    <message>
      <source>Stop and Quit</source>
      <translation>Остановить и выйти</translation>
    </message>
    <message>
      <source>Keep Running</source>
      <translation>Не выходить</translation>
    </message>
    <message>
      <source>Undo</source>
      <translation>Отменить</translation>
    </message>
    <message>
      <source>&amp;File</source>
      <translation>&amp;Файл</translation>
    </message>
    <message>
      <source>&amp;New</source>
      <translation>&amp;Создать</translation>
    </message>
    <message>
      <source>&amp;Stop</source>
      <translation>&amp;Остановить</translation>
    </message>
    <message>
      <source>&amp;Close Window</source>
      <translation>&amp;Закрыть окно</translation>
    </message>
    <message>
      <source>&amp;Settings…</source>
      <translation>&amp;Настройки…</translation>
    </message>
    <message>
      <source>&amp;Quit Gemma MLX</source>
      <translation>&amp;Выйти из Gemma MLX</translation>
    </message>
    <message>
      <source>&amp;View</source>
      <translation>&amp;Вид</translation>
    </message>
    <message>
      <source>&amp;Full Screen</source>
      <translation>Во весь &amp;экран</translation>
    </message>
    <message>
      <source>&amp;Window</source>
      <translation>&amp;Окно</translation>
    </message>
    <message>
      <source>&amp;Minimize</source>
      <translation>&amp;Свернуть</translation>
    </message>
    <message>
      <source>&amp;Help</source>
      <translation>&amp;Справка</translation>
    </message>
    <message>
      <source>Copy &amp;Diagnostics</source>
      <translation>Копировать &amp;диагностику</translation>
    </message>
    <message>
      <source>&amp;About Gemma MLX</source>
      <translation>&amp;О программе Gemma MLX</translation>
    </message>
  </context>
  <context>
    <name>MessageView</name>
    <message>
      <source>Message</source>
      <translation>Сообщение</translation>
    </message>
    <message>
      <source>Ask Again</source>
      <translation>Спросить снова</translation>
    </message>
    <message>
      <source>Keep</source>
      <translation>Сохранить</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>Отмена</translation>
    </message>
    <message>
      <source>Alternative {place} of {count}</source>
      <translation>Вариант {place} из {count}</translation>
    </message>
    <message>
      <source>Copy this message</source>
      <translation>Копировать сообщение</translation>
    </message>
    <message>
      <source>Edit</source>
      <translation>Изменить</translation>
    </message>
    <message>
      <source>Answer again</source>
      <translation>Ответить снова</translation>
    </message>
    <message>
      <source>Continue this answer</source>
      <translation>Продолжить ответ</translation>
    </message>
    <message>
      <source>The alternative before</source>
      <translation>Предыдущий вариант</translation>
    </message>
    <message>
      <source>The next alternative</source>
      <translation>Следующий вариант</translation>
    </message>
    <message>
      <source>{count} tokens</source>
      <translation>токенов: {count}</translation>
    </message>
    <message>
      <source>{speed} tokens/s</source>
      <translation>{speed} токенов/с</translation>
    </message>
    <message>
      <source>first after {seconds} s</source>
      <translation>первый через {seconds} с</translation>
    </message>
    <message>
      <source>stopped</source>
      <translation>остановлено</translation>
    </message>
    <message>
      <source>cut at its longest</source>
      <translation>достигнут предел</translation>
    </message>
    <message>
      <source>broke off</source>
      <translation>оборвалось</translation>
    </message>
  </context>
  <context>
    <name>ModelListModel</name>
    <message>
      <source>Cannot be used</source>
      <translation>Непригодна</translation>
    </message>
    <message>
      <source>Adapter, rank {rank}</source>
      <translation>Адаптер, ранг {rank}</translation>
    </message>
    <message>
      <source>Adapter</source>
      <translation>Адаптер</translation>
    </message>
  </context>
  <context>
    <name>ModelPicker</name>
    <message>
      <source>Model and adapter</source>
      <translation>Модель и адаптер</translation>
    </message>
    <message>
      <source>Choose a model</source>
      <translation>Выберите модель</translation>
    </message>
    <message>
      <source>Loading the model</source>
      <translation>Загрузка модели</translation>
    </message>
    <message>
      <source>Free the memory that the model takes</source>
      <translation>Освободить память модели</translation>
    </message>
    <message>
      <source>Eject the model</source>
      <translation>Выгрузить модель</translation>
    </message>
    <message>
      <source>Does not answer</source>
      <translation>Не отвечает</translation>
    </message>
    <message>
      <source>In memory</source>
      <translation>В памяти</translation>
    </message>
    <message>
      <source>Not loaded</source>
      <translation>Не загружена</translation>
    </message>
  </context>
  <context>
    <name>ModelsPage</name>
    <message>
      <source>Import…</source>
      <translation>Импорт…</translation>
    </message>
    <message>
      <source>Copy a model’s folder into the app</source>
      <translation>Скопировать папку модели в программу</translation>
    </message>
    <message>
      <source>Download…</source>
      <translation>Скачать…</translation>
    </message>
    <message>
      <source>Find a Gemma on the Hub and bring it here</source>
      <translation>Найти Gemma на Hub и скачать сюда</translation>
    </message>
    <message>
      <source>Models</source>
      <translation>Модели</translation>
    </message>
    <message>
      <source>Choose a model’s folder</source>
      <translation>Выберите папку модели</translation>
    </message>
    <message>
      <source>A model is being written.</source>
      <translation>Записывается модель.</translation>
    </message>
    <message>
      <source>Models and adapters</source>
      <translation>Модели и адаптеры</translation>
    </message>
    <message>
      <source>Download one, or drop the folder of a Gemma model here: the one that holds config.json and the .safetensors files. Models in the Hugging Face cache appear by themselves.</source>
      <translation>Скачайте модель или перетащите сюда папку модели Gemma: ту, где лежат config.json и файлы .safetensors. Модели из кэша Hugging Face появляются сами.</translation>
    </message>
    <message>
      <source>Import a Folder…</source>
      <translation>Импортировать папку…</translation>
    </message>
    <message>
      <source>Look Again</source>
      <translation>Искать снова</translation>
    </message>
    <message>
      <source>No models yet</source>
      <translation>Моделей пока нет</translation>
    </message>
    <message>
      <source>Progress</source>
      <translation>Ход работы</translation>
    </message>
    <message>
      <source>Stop</source>
      <translation>Остановить</translation>
    </message>
    <message>
      <source>Merge into Base</source>
      <translation>Слить с базой</translation>
    </message>
    <message>
      <source>Name of the new model:</source>
      <translation>Название новой модели:</translation>
    </message>
  </context>
  <context>
    <name>ModelsPresenter</name>
    <message>
      <source>This folder holds no model: there is no config.json in it.</source>
      <translation>В этой папке нет модели: нет config.json.</translation>
    </message>
    <message>
      <source>Choose the folder that holds config.json and the .safetensors files.</source>
      <translation>Выберите папку с config.json и файлами .safetensors.</translation>
    </message>
    <message>
      <source>{name} cannot be moved to the trash.</source>
      <translation>Не удалось переместить {name} в корзину.</translation>
    </message>
    <message>
      <source>Delete the folder in the Finder.</source>
      <translation>Удалите папку в Finder.</translation>
    </message>
    <message>
      <source>Nothing was deleted.</source>
      <translation>Ничего не удалено.</translation>
    </message>
    <message>
      <source>{name} is in the trash</source>
      <translation>{name} в корзине</translation>
    </message>
    <message>
      <source>It cannot be put back: {reason}</source>
      <translation>Не удалось вернуть: {reason}</translation>
    </message>
    <message>
      <source>Take it out of the trash in the Finder.</source>
      <translation>Достаньте её из корзины в Finder.</translation>
    </message>
    <message>
      <source>It is in the trash.</source>
      <translation>Она в корзине.</translation>
    </message>
    <message>
      <source>Another model is being written.</source>
      <translation>Записывается другая модель.</translation>
    </message>
    <message>
      <source>Wait until it is done, or stop it.</source>
      <translation>Подождите или остановите её.</translation>
    </message>
    <message>
      <source>Starting</source>
      <translation>Запуск</translation>
    </message>
    <message>
      <source>next: {names}</source>
      <translation>далее: {names}</translation>
    </message>
    <message>
      <source>Stopped. What came is kept; downloading it again goes on from there.</source>
      <translation>Остановлено. Скачанное сохранено; повторная загрузка продолжит с этого места.</translation>
    </message>
    <message>
      <source>{name} is written</source>
      <translation>{name}: записано</translation>
    </message>
    <message>
      <source>Stopped. Nothing was written.</source>
      <translation>Остановлено. Ничего не записано.</translation>
    </message>
  </context>
  <context>
    <name>OffersModel</name>
    <message>
      <source>{bits} bit</source>
      <translation>{bits} бит</translation>
    </message>
    <message>
      <source>not for chats</source>
      <translation>не для чата</translation>
    </message>
    <message>
      <source>{count} downloads</source>
      <translation>скачиваний: {count}</translation>
    </message>
    <message>
      <source>licence to accept</source>
      <translation>нужно принять лицензию</translation>
    </message>
  </context>
  <context>
    <name>ProblemsModel</name>
    <message>
      <source>Line</source>
      <translation>Строка</translation>
    </message>
    <message>
      <source>What is wrong</source>
      <translation>Что не так</translation>
    </message>
    <message>
      <source>File</source>
      <translation>Файл</translation>
    </message>
  </context>
  <context>
    <name>Prose</name>
    <message>
      <source>Text</source>
      <translation>Текст</translation>
    </message>
  </context>
  <context>
    <name>QuantizeDialog</name>
    <message>
      <source>Quantize {name}</source>
      <translation>Квантовать {name}</translation>
    </message>
    <message>
      <source>A quantized copy is smaller and faster, a little less exact. The model itself stays as it is.</source>
      <translation>Квантованная копия меньше и быстрее, чуть менее точна. Сама модель не меняется.</translation>
    </message>
    <message>
      <source>Name of the copy</source>
      <translation>Название копии</translation>
    </message>
    <message>
      <source>Name of the copy:</source>
      <translation>Название копии:</translation>
    </message>
    <message>
      <source>Quantize</source>
      <translation>Квантовать</translation>
    </message>
    <message>
      <source>Measuring…</source>
      <translation>Измерение…</translation>
    </message>
    <message>
      <source>{before} becomes {after}, {bits} bits a weight</source>
      <translation>{before} станет {after}, бит на вес: {bits}</translation>
    </message>
    <message>
      <source>Weights are off by {percent} on average (measured on the middle layer).</source>
      <translation>Среднее отклонение весов {percent} (по среднему слою).</translation>
    </message>
  </context>
  <context>
    <name>RowView</name>
    <message>
      <source>The row as the model sees it</source>
      <translation>Строка, какой её видит модель</translation>
    </message>
    <message>
      <source>learned</source>
      <translation>учится</translation>
    </message>
    <message>
      <source>read only</source>
      <translation>только читается</translation>
    </message>
    <message>
      <source>control token</source>
      <translation>управляющий токен</translation>
    </message>
    <message>
      <source>cut off</source>
      <translation>обрезано</translation>
    </message>
    <message>
      <source>{tokens} tokens, {learned} of them learned</source>
      <translation>Токенов: {tokens}, из них учится: {learned}</translation>
    </message>
    <message>
      <source>{count} cut off at the longest row</source>
      <translation>обрезано сверх предела: {count}</translation>
    </message>
  </context>
  <context>
    <name>RowsModel</name>
    <message>
      <source>Row</source>
      <translation>Строка</translation>
    </message>
    <message>
      <source>Text</source>
      <translation>Текст</translation>
    </message>
    <message>
      <source>Tokens</source>
      <translation>Токены</translation>
    </message>
    <message>
      <source>Learned</source>
      <translation>Учится</translation>
    </message>
    <message>
      <source>Note</source>
      <translation>Заметка</translation>
    </message>
    <message>
      <source>Cut</source>
      <translation>Обрезана</translation>
    </message>
    <message>
      <source>Validation</source>
      <translation>Проверка</translation>
    </message>
    <message>
      <source>{count} examples</source>
      <translation>примеров: {count}</translation>
    </message>
  </context>
  <context>
    <name>RunView</name>
    <message>
      <source>step {step} of {steps}</source>
      <translation>шаг {step} из {steps}</translation>
    </message>
    <message>
      <source>Progress of the run</source>
      <translation>Ход запуска</translation>
    </message>
    <message>
      <source>Pause</source>
      <translation>Пауза</translation>
    </message>
    <message>
      <source>Stop and Keep</source>
      <translation>Остановить и сохранить</translation>
    </message>
    <message>
      <source>End now; what was learned becomes the run’s adapter</source>
      <translation>Закончить сейчас; выученное станет адаптером запуска</translation>
    </message>
    <message>
      <source>Resume</source>
      <translation>Продолжить</translation>
    </message>
    <message>
      <source>Chat with It</source>
      <translation>Чат с ней</translation>
    </message>
    <message>
      <source>Merge…</source>
      <translation>Слить…</translation>
    </message>
    <message>
      <source>Write base and adapter as one model of the library</source>
      <translation>Записать базу и адаптер как одну модель библиотеки</translation>
    </message>
    <message>
      <source>Export…</source>
      <translation>Экспорт…</translation>
    </message>
    <message>
      <source>Write the result for LM Studio, Ollama, llama.cpp, transformers or mlx-lm</source>
      <translation>Записать результат для LM Studio, Ollama, llama.cpp, transformers или mlx-lm</translation>
    </message>
    <message>
      <source>Duplicate Settings</source>
      <translation>Повторить настройки</translation>
    </message>
    <message>
      <source>Move to Trash</source>
      <translation>В корзину</translation>
    </message>
    <message>
      <source>More</source>
      <translation>Ещё</translation>
    </message>
    <message>
      <source>Loss</source>
      <translation>Потери</translation>
    </message>
    <message>
      <source>Learning rate</source>
      <translation>Скорость обучения</translation>
    </message>
    <message>
      <source>Tokens per second</source>
      <translation>Токенов в секунду</translation>
    </message>
    <message>
      <source>Memory (GB)</source>
      <translation>Память (ГБ)</translation>
    </message>
    <message>
      <source>The curves begin with the first step.</source>
      <translation>Кривые начнутся с первого шага.</translation>
    </message>
    <message>
      <source>Samples</source>
      <translation>Примеры</translation>
    </message>
    <message>
      <source>Step of the samples</source>
      <translation>Шаг примеров</translation>
    </message>
    <message>
      <source>Notes</source>
      <translation>Заметки</translation>
    </message>
    <message>
      <source>What you tried, and what came of it</source>
      <translation>Что вы пробовали и что вышло</translation>
    </message>
    <message>
      <source>{done} of {total}</source>
      <translation>{done} из {total}</translation>
    </message>
    <message>
      <source>about {time} left</source>
      <translation>осталось около {time}</translation>
    </message>
    <message>
      <source>Each step</source>
      <translation>Каждый шаг</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>Обучение</translation>
    </message>
    <message>
      <source>Validation</source>
      <translation>Проверка</translation>
    </message>
    <message>
      <source>Step {step}</source>
      <translation>Шаг {step}</translation>
    </message>
    <message>
      <source>Before</source>
      <translation>До</translation>
    </message>
  </context>
  <context>
    <name>Runs</name>
    <message>
      <source>Starting</source>
      <translation>Запуск</translation>
    </message>
    <message>
      <source>Running</source>
      <translation>Идёт</translation>
    </message>
    <message>
      <source>Pausing…</source>
      <translation>Приостановка…</translation>
    </message>
    <message>
      <source>Stopping…</source>
      <translation>Остановка…</translation>
    </message>
    <message>
      <source>Finished</source>
      <translation>Завершён</translation>
    </message>
    <message>
      <source>Stopped</source>
      <translation>Остановлен</translation>
    </message>
    <message>
      <source>Paused</source>
      <translation>Пауза</translation>
    </message>
    <message>
      <source>Failed</source>
      <translation>Ошибка</translation>
    </message>
    <message>
      <source>Interrupted</source>
      <translation>Прерван</translation>
    </message>
    <message>
      <source>Cannot be read</source>
      <translation>Не читается</translation>
    </message>
  </context>
  <context>
    <name>RunsModel</name>
    <message>
      <source>step {step} of {steps}</source>
      <translation>шаг {step} из {steps}</translation>
    </message>
  </context>
  <context>
    <name>Settings</name>
    <message>
      <source>Answers only</source>
      <translation>Только ответы</translation>
    </message>
    <message>
      <source>All text</source>
      <translation>Весь текст</translation>
    </message>
    <message>
      <source>Refuse the dataset</source>
      <translation>Отклонить набор</translation>
    </message>
    <message>
      <source>Leave them out</source>
      <translation>Пропустить их</translation>
    </message>
    <message>
      <source>Supervised answers (SFT)</source>
      <translation>Ответы по образцу (SFT)</translation>
    </message>
    <message>
      <source>Preferences (DPO)</source>
      <translation>Предпочтения (DPO)</translation>
    </message>
    <message>
      <source>Preferences (ORPO)</source>
      <translation>Предпочтения (ORPO)</translation>
    </message>
    <message>
      <source>Adapter (LoRA)</source>
      <translation>Адаптер (LoRA)</translation>
    </message>
    <message>
      <source>All weights</source>
      <translation>Все веса</translation>
    </message>
    <message>
      <source>Linear</source>
      <translation>Линейный</translation>
    </message>
    <message>
      <source>Cosine</source>
      <translation>Косинусный</translation>
    </message>
    <message>
      <source>Constant</source>
      <translation>Постоянный</translation>
    </message>
    <message>
      <source>Automatic</source>
      <translation>Автоматически</translation>
    </message>
    <message>
      <source>Packed</source>
      <translation>Плотная</translation>
    </message>
    <message>
      <source>Padded</source>
      <translation>С дополнением</translation>
    </message>
    <message>
      <source>Affine</source>
      <translation>Аффинный</translation>
    </message>
    <message>
      <source>Modules</source>
      <translation>Модули</translation>
    </message>
    <message>
      <source>Linear modules to adapt, by name, or all-linear for all seven of a block.</source>
      <translation>Имена линейных модулей или all-linear — все семь в блоке.</translation>
    </message>
    <message>
      <source>Adapter</source>
      <translation>Адаптер</translation>
    </message>
    <message>
      <source>Rank</source>
      <translation>Ранг</translation>
    </message>
    <message>
      <source>Rank r of the adapter: more learns more and takes more memory.</source>
      <translation>Ранг r адаптера: больше — выучит больше и займёт больше памяти.</translation>
    </message>
    <message>
      <source>Alpha</source>
      <translation>Альфа</translation>
    </message>
    <message>
      <source>The update is scaled by alpha / r.</source>
      <translation>Поправка умножается на alpha / r.</translation>
    </message>
    <message>
      <source>Dropout</source>
      <translation>Dropout</translation>
    </message>
    <message>
      <source>Share of the adapter's inputs that are dropped in training.</source>
      <translation>Доля входов адаптера, отбрасываемых при обучении.</translation>
    </message>
    <message>
      <source>Rank-stabilized scale</source>
      <translation>Масштаб rsLoRA</translation>
    </message>
    <message>
      <source>Scale by alpha / sqrt(r) (rsLoRA), which lets high ranks learn.</source>
      <translation>Масштаб alpha / sqrt(r) (rsLoRA): высокие ранги тоже учатся.</translation>
    </message>
    <message>
      <source>DoRA</source>
      <translation>DoRA</translation>
    </message>
    <message>
      <source>Learn direction and magnitude of the weights apart (DoRA): slower, often better.</source>
      <translation>Учить направление и величину весов раздельно (DoRA): медленнее, часто лучше.</translation>
    </message>
    <message>
      <source>Layers</source>
      <translation>Слои</translation>
    </message>
    <message>
      <source>Indices of the blocks to adapt; none given means all.</source>
      <translation>Номера блоков; если не указаны — все.</translation>
    </message>
    <message>
      <source>Rank by module</source>
      <translation>Ранг по модулям</translation>
    </message>
    <message>
      <source>Ranks that differ, by module path or its end: {"layers.0.self_attn.q_proj": 32}.</source>
      <translation>Особые ранги по пути модуля или его концу: {"layers.0.self_attn.q_proj": 32}.</translation>
    </message>
    <message>
      <source>Format</source>
      <translation>Формат</translation>
    </message>
    <message>
      <source>affine, or one of the microscaling float formats.</source>
      <translation>Аффинный или один из форматов microscaling.</translation>
    </message>
    <message>
      <source>Quantization</source>
      <translation>Квантование</translation>
    </message>
    <message>
      <source>Bits</source>
      <translation>Биты</translation>
    </message>
    <message>
      <source>Bits per weight (affine only).</source>
      <translation>Бит на вес (только для аффинного).</translation>
    </message>
    <message>
      <source>Group size</source>
      <translation>Размер группы</translation>
    </message>
    <message>
      <source>Weights that share one scale (affine: 32, 64 or 128).</source>
      <translation>Весов на один масштаб (аффинный: 32, 64 или 128).</translation>
    </message>
    <message>
      <source>Embedding bits</source>
      <translation>Биты эмбеддинга</translation>
    </message>
    <message>
      <source>Bits of the embedding and head, affine; 16 leaves them as they are. None: as the rest.</source>
      <translation>Биты эмбеддинга и выхода, аффинно; 16 — без изменений. Авто: как остальные.</translation>
    </message>
    <message>
      <source>Dataset</source>
      <translation>Набор данных</translation>
    </message>
    <message>
      <source>A file (jsonl, json, csv, parquet, txt) or a folder with train and valid.</source>
      <translation>Файл (jsonl, json, csv, parquet, txt) или папка с train и valid.</translation>
    </message>
    <message>
      <source>Data</source>
      <translation>Данные</translation>
    </message>
    <message>
      <source>How rows are read; auto looks at the columns.</source>
      <translation>Как читать строки; авто смотрит на столбцы.</translation>
    </message>
    <message>
      <source>Columns</source>
      <translation>Столбцы</translation>
    </message>
    <message>
      <source>Our name to the file's column: {"prompt": "question", "completion": "human_answers"}.</source>
      <translation>Наше имя к столбцу файла: {"prompt": "question", "completion": "human_answers"}.</translation>
    </message>
    <message>
      <source>Loss on</source>
      <translation>Учить</translation>
    </message>
    <message>
      <source>Every answer of the model, or all text.</source>
      <translation>Каждый ответ модели или весь текст.</translation>
    </message>
    <message>
      <source>Longest row</source>
      <translation>Предел длины</translation>
    </message>
    <message>
      <source>Rows are cut to this many tokens.</source>
      <translation>Строки обрезаются до стольких токенов.</translation>
    </message>
    <message>
      <source>tokens</source>
      <translation>токены</translation>
    </message>
    <message>
      <source>Validation share</source>
      <translation>Доля проверки</translation>
    </message>
    <message>
      <source>Share of rows held out when the dataset has no validation file of its own.</source>
      <translation>Доля отложенных строк, если у набора нет своего файла для проверки.</translation>
    </message>
    <message>
      <source>Row limit</source>
      <translation>Предел строк</translation>
    </message>
    <message>
      <source>Use at most this many rows.</source>
      <translation>Брать не больше стольких строк.</translation>
    </message>
    <message>
      <source>Bad rows</source>
      <translation>Плохие строки</translation>
    </message>
    <message>
      <source>Refuse a dataset in which rows cannot be used, or leave these rows out.</source>
      <translation>Отклонять набор с плохими строками или пропускать их.</translation>
    </message>
    <message>
      <source>Objective</source>
      <translation>Цель</translation>
    </message>
    <message>
      <source>Supervised answers, or preferences (chosen against rejected).</source>
      <translation>Ответы по образцу или предпочтения (лучший против худшего).</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>Обучение</translation>
    </message>
    <message>
      <source>Method</source>
      <translation>Способ</translation>
    </message>
    <message>
      <source>Train an adapter, or all weights of a small model.</source>
      <translation>Обучать адаптер или все веса малой модели.</translation>
    </message>
    <message>
      <source>Epochs</source>
      <translation>Эпохи</translation>
    </message>
    <message>
      <source>Passes over the dataset, unless steps are given.</source>
      <translation>Проходы по набору, если не заданы шаги.</translation>
    </message>
    <message>
      <source>Steps</source>
      <translation>Шаги</translation>
    </message>
    <message>
      <source>Optimizer steps; overrides epochs.</source>
      <translation>Шаги оптимизатора; важнее эпох.</translation>
    </message>
    <message>
      <source>Learning rate</source>
      <translation>Скорость обучения</translation>
    </message>
    <message>
      <source>The peak, after warm-up.</source>
      <translation>Наибольшая, после разогрева.</translation>
    </message>
    <message>
      <source>Schedule</source>
      <translation>Расписание</translation>
    </message>
    <message>
      <source>How the learning rate falls after warm-up.</source>
      <translation>Как падает скорость обучения после разогрева.</translation>
    </message>
    <message>
      <source>Warm-up</source>
      <translation>Разогрев</translation>
    </message>
    <message>
      <source>Steps in which the learning rate rises from 0.</source>
      <translation>Шаги, за которые скорость растёт от 0.</translation>
    </message>
    <message>
      <source>steps</source>
      <translation>шагов</translation>
    </message>
    <message>
      <source>Batch size</source>
      <translation>Размер пакета</translation>
    </message>
    <message>
      <source>Rows in one forward pass, at the most.</source>
      <translation>Строк за один проход, не больше.</translation>
    </message>
    <message>
      <source>rows</source>
      <translation>строк</translation>
    </message>
    <message>
      <source>Tokens per batch</source>
      <translation>Токенов в пакете</translation>
    </message>
    <message>
      <source>Token budget of one forward pass; replaces the batch size.</source>
      <translation>Бюджет токенов на проход; заменяет размер пакета.</translation>
    </message>
    <message>
      <source>Accumulation</source>
      <translation>Накопление</translation>
    </message>
    <message>
      <source>Batches whose gradients make one step, weighted by their tokens.</source>
      <translation>Сколько пакетов на шаг, с весом по токенам.</translation>
    </message>
    <message>
      <source>batches</source>
      <translation>пакетов</translation>
    </message>
    <message>
      <source>Optimizer</source>
      <translation>Оптимизатор</translation>
    </message>
    <message>
      <source>AdamW; Adafactor and Lion keep a smaller state.</source>
      <translation>AdamW; у Adafactor и Lion состояние меньше.</translation>
    </message>
    <message>
      <source>Weight decay</source>
      <translation>Затухание весов</translation>
    </message>
    <message>
      <source>Decoupled decay of the trained weights.</source>
      <translation>Раздельное затухание обучаемых весов.</translation>
    </message>
    <message>
      <source>Gradient clipping</source>
      <translation>Обрезка градиента</translation>
    </message>
    <message>
      <source>Gradients are scaled down to this norm; none: never.</source>
      <translation>Градиенты сжимаются до этой нормы; пусто — никогда.</translation>
    </message>
    <message>
      <source>LoRA+ ratio</source>
      <translation>Отношение LoRA+</translation>
    </message>
    <message>
      <source>Learning rate of B over that of A (LoRA+); 1 is plain LoRA.</source>
      <translation>Скорость B к скорости A (LoRA+); 1 — обычная LoRA.</translation>
    </message>
    <message>
      <source>NEFTune noise</source>
      <translation>Шум NEFTune</translation>
    </message>
    <message>
      <source>Noise on the embeddings in training; 0 is off.</source>
      <translation>Шум на эмбеддингах при обучении; 0 — выключен.</translation>
    </message>
    <message>
      <source>Preference beta</source>
      <translation>Бета предпочтений</translation>
    </message>
    <message>
      <source>Strength of the DPO or ORPO preference term.</source>
      <translation>Сила члена предпочтений DPO или ORPO.</translation>
    </message>
    <message>
      <source>Gradient checkpointing</source>
      <translation>Пересчёт активаций</translation>
    </message>
    <message>
      <source>Compute activations twice to keep fewer in memory.</source>
      <translation>Считать активации дважды, чтобы хранить меньше.</translation>
    </message>
    <message>
      <source>Memory</source>
      <translation>Память</translation>
    </message>
    <message>
      <source>Batch layout</source>
      <translation>Укладка пакета</translation>
    </message>
    <message>
      <source>packed lays rows end to end without padding; padded sorts by length; auto measures.</source>
      <translation>Плотная — строки подряд без заполнения; с дополнением — по длине; авто измеряет.</translation>
    </message>
    <message>
      <source>Loss chunk</source>
      <translation>Порция потерь</translation>
    </message>
    <message>
      <source>Rows of the vocabulary product at a time; none: from memory.</source>
      <translation>Строк словарного произведения за раз; пусто — по памяти.</translation>
    </message>
    <message>
      <source>Memory ceiling</source>
      <translation>Потолок памяти</translation>
    </message>
    <message>
      <source>Wait rather than take more; a step that still does ends the run with a checkpoint.</source>
      <translation>Ждать, но не занимать больше; шаг, который всё же превысит, завершает обучение с контрольной точкой.</translation>
    </message>
    <message>
      <source>GB</source>
      <translation>ГБ</translation>
    </message>
    <message>
      <source>Evaluate every</source>
      <translation>Проверять каждые</translation>
    </message>
    <message>
      <source>Steps between validations; none: four times a run.</source>
      <translation>Шагов между проверками; пусто — четыре раза за запуск.</translation>
    </message>
    <message>
      <source>Watching</source>
      <translation>Наблюдение</translation>
    </message>
    <message>
      <source>Save every</source>
      <translation>Сохранять каждые</translation>
    </message>
    <message>
      <source>Steps between checkpoints.</source>
      <translation>Шагов между контрольными точками.</translation>
    </message>
    <message>
      <source>Checkpoints kept</source>
      <translation>Хранить точек</translation>
    </message>
    <message>
      <source>The newest ones; the best is kept besides.</source>
      <translation>Новейшие; лучшая хранится кроме них.</translation>
    </message>
    <message>
      <source>Early stop</source>
      <translation>Ранняя остановка</translation>
    </message>
    <message>
      <source>Stop after this many validations without improvement.</source>
      <translation>Остановиться после стольких проверок без улучшения.</translation>
    </message>
    <message>
      <source>validations</source>
      <translation>проверок</translation>
    </message>
    <message>
      <source>Sample prompts</source>
      <translation>Пробные запросы</translation>
    </message>
    <message>
      <source>Prompts that are answered at each validation.</source>
      <translation>Запросы, на которые модель отвечает при каждой проверке.</translation>
    </message>
    <message>
      <source>Sample length</source>
      <translation>Длина пробы</translation>
    </message>
    <message>
      <source>Tokens of each sample, at the most.</source>
      <translation>Токенов в каждой пробе, не больше.</translation>
    </message>
    <message>
      <source>Further logs</source>
      <translation>Другие журналы</translation>
    </message>
    <message>
      <source>Write metrics.csv or TensorBoard files too.</source>
      <translation>Писать также metrics.csv или файлы TensorBoard.</translation>
    </message>
    <message>
      <source>Seed</source>
      <translation>Зерно</translation>
    </message>
    <message>
      <source>Order of the data, dropout and first weights follow from it.</source>
      <translation>От него зависят порядок данных, dropout и начальные веса.</translation>
    </message>
    <message>
      <source>Temperature</source>
      <translation>Температура</translation>
    </message>
    <message>
      <source>0 always takes the likeliest token.</source>
      <translation>0 — всегда самый вероятный токен.</translation>
    </message>
    <message>
      <source>Sampling</source>
      <translation>Выбор токенов</translation>
    </message>
    <message>
      <source>Top-k</source>
      <translation>Top-k</translation>
    </message>
    <message>
      <source>Only the k likeliest tokens; 0 is off.</source>
      <translation>Только k вероятнейших токенов; 0 — выключено.</translation>
    </message>
    <message>
      <source>Top-p</source>
      <translation>Top-p</translation>
    </message>
    <message>
      <source>Only the likeliest tokens that together have this probability.</source>
      <translation>Только вероятнейшие токены с такой общей вероятностью.</translation>
    </message>
    <message>
      <source>Min-p</source>
      <translation>Min-p</translation>
    </message>
    <message>
      <source>Only tokens with this share of the likeliest one's probability.</source>
      <translation>Только токены с такой долей вероятности первого.</translation>
    </message>
    <message>
      <source>Repetition penalty</source>
      <translation>Штраф за повторы</translation>
    </message>
    <message>
      <source>Above 1 makes tokens seen before less likely.</source>
      <translation>Больше 1 — бывшие токены менее вероятны.</translation>
    </message>
    <message>
      <source>Longest answer</source>
      <translation>Предел ответа</translation>
    </message>
    <message>
      <source>Tokens generated at the most.</source>
      <translation>Наибольшее число токенов.</translation>
    </message>
    <message>
      <source>Stop strings</source>
      <translation>Стоп-строки</translation>
    </message>
    <message>
      <source>The answer ends before the first of these.</source>
      <translation>Ответ кончается перед первой из них.</translation>
    </message>
    <message>
      <source>The same seed gives the same answer; none: by chance.</source>
      <translation>Одно зерно — один ответ; пусто — случайно.</translation>
    </message>
    <message>
      <source>Base model</source>
      <translation>Базовая модель</translation>
    </message>
    <message>
      <source>Folder of the base model.</source>
      <translation>Папка базовой модели.</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>Модель</translation>
    </message>
    <message>
      <source>Quantize the base</source>
      <translation>Квантовать базу</translation>
    </message>
    <message>
      <source>QLoRA: the frozen base is quantized while it loads.</source>
      <translation>QLoRA: замороженная база квантуется при загрузке.</translation>
    </message>
  </context>
  <context>
    <name>SettingsDialog</name>
    <message>
      <source>Settings</source>
      <translation>Настройки</translation>
    </message>
    <message>
      <source>As the system</source>
      <translation>Как в системе</translation>
    </message>
    <message>
      <source>Light</source>
      <translation>Светлое</translation>
    </message>
    <message>
      <source>Dark</source>
      <translation>Тёмное</translation>
    </message>
    <message>
      <source>The language changes when the app is opened again.</source>
      <translation>Язык сменится при следующем запуске.</translation>
    </message>
    <message>
      <source>Tell me when a training run ends</source>
      <translation>Сообщать о конце обучения</translation>
    </message>
    <message>
      <source>Appearance:</source>
      <translation>Оформление:</translation>
    </message>
    <message>
      <source>Language:</source>
      <translation>Язык:</translation>
    </message>
    <message>
      <source>Notifications:</source>
      <translation>Уведомления:</translation>
    </message>
    <message>
      <source>Models, runs and chats:</source>
      <translation>Модели, запуски и чаты:</translation>
    </message>
    <message>
      <source>Appearance</source>
      <translation>Оформление</translation>
    </message>
    <message>
      <source>Language</source>
      <translation>Язык</translation>
    </message>
  </context>
  <context>
    <name>SettingsPanel</name>
    <message>
      <source>Presets of system texts</source>
      <translation>Готовые системные тексты</translation>
    </message>
    <message>
      <source>Presets…</source>
      <translation>Готовые…</translation>
    </message>
    <message>
      <source>None</source>
      <translation>Нет</translation>
    </message>
    <message>
      <source>Brief</source>
      <translation>Кратко</translation>
    </message>
    <message>
      <source>Answer in at most three sentences.</source>
      <translation>Отвечай не более чем тремя предложениями.</translation>
    </message>
    <message>
      <source>Teacher</source>
      <translation>Учитель</translation>
    </message>
    <message>
      <source>Explain step by step, as to a curious beginner.</source>
      <translation>Объясняй шаг за шагом, как любознательному новичку.</translation>
    </message>
    <message>
      <source>Editor</source>
      <translation>Редактор</translation>
    </message>
    <message>
      <source>Correct and tighten the text you are given. Return only the text.</source>
      <translation>Исправь и сожми данный текст. Верни только текст.</translation>
    </message>
    <message>
      <source>System text</source>
      <translation>Системный текст</translation>
    </message>
    <message>
      <source>How the model should behave in this chat</source>
      <translation>Как модели вести себя в этом чате</translation>
    </message>
    <message>
      <source>Presets of sampling</source>
      <translation>Готовые настройки выбора</translation>
    </message>
    <message>
      <source>Precise: always the likeliest</source>
      <translation>Точно: всегда вероятнейший</translation>
    </message>
    <message>
      <source>Balanced</source>
      <translation>Уравновешенно</translation>
    </message>
    <message>
      <source>Creative</source>
      <translation>Творчески</translation>
    </message>
    <message>
      <source>Sampling</source>
      <translation>Выбор токенов</translation>
    </message>
    <message>
      <source>Changes count from the next answer on and belong to this chat.</source>
      <translation>Изменения действуют со следующего ответа и только в этом чате.</translation>
    </message>
  </context>
  <context>
    <name>SetupPresenter</name>
    <message>
      <source>Choose a model.</source>
      <translation>Выберите модель.</translation>
    </message>
    <message>
      <source>Choose a dataset.</source>
      <translation>Выберите набор данных.</translation>
    </message>
    <message>
      <source>The dataset is not there any more.</source>
      <translation>Набора данных больше нет.</translation>
    </message>
    <message>
      <source>Correct the fields marked in red.</source>
      <translation>Исправьте поля, отмеченные красным.</translation>
    </message>
  </context>
  <context>
    <name>SetupView</name>
    <message>
      <source>No dataset is chosen</source>
      <translation>Набор не выбран</translation>
    </message>
    <message>
      <source>Base model</source>
      <translation>Базовая модель</translation>
    </message>
    <message>
      <source>Choose…</source>
      <translation>Выбрать…</translation>
    </message>
    <message>
      <source>Choose a dataset</source>
      <translation>Выберите набор данных</translation>
    </message>
    <message>
      <source>Look at It</source>
      <translation>Посмотреть</translation>
    </message>
    <message>
      <source>Name of the run</source>
      <translation>Название запуска</translation>
    </message>
    <message>
      <source>As the dataset</source>
      <translation>Как набор данных</translation>
    </message>
    <message>
      <source>Use the Demo</source>
      <translation>Взять демо</translation>
    </message>
    <message>
      <source>The embedded model learns to talk like a pirate</source>
      <translation>Встроенная модель учится говорить как пират</translation>
    </message>
    <message>
      <source>What learns from what</source>
      <translation>Кто на чём учится</translation>
    </message>
    <message>
      <source>Model:</source>
      <translation>Модель:</translation>
    </message>
    <message>
      <source>Dataset:</source>
      <translation>Данные:</translation>
    </message>
    <message>
      <source>Name:</source>
      <translation>Название:</translation>
    </message>
    <message>
      <source>Quick</source>
      <translation>Быстро</translation>
    </message>
    <message>
      <source>60 steps with a small adapter: see whether it goes the right way.</source>
      <translation>60 шагов с малым адаптером: проверить, туда ли идёт.</translation>
    </message>
    <message>
      <source>Balanced</source>
      <translation>Уравновешенно</translation>
    </message>
    <message>
      <source>Two passes over the dataset: right for most.</source>
      <translation>Два прохода по набору: подходит большинству.</translation>
    </message>
    <message>
      <source>Thorough</source>
      <translation>Основательно</translation>
    </message>
    <message>
      <source>Four passes, larger adapter and batches: when the result matters.</source>
      <translation>Четыре прохода, больше адаптер и пакеты: когда важен итог.</translation>
    </message>
    <message>
      <source>How thoroughly</source>
      <translation>Насколько основательно</translation>
    </message>
    <message>
      <source>Set by hand: see Advanced.</source>
      <translation>Задано вручную: см. «Дополнительно».</translation>
    </message>
    <message>
      <source>Sample prompts</source>
      <translation>Пробные запросы</translation>
    </message>
    <message>
      <source>One a line, such as: What is the capital of Italy?</source>
      <translation>По одному в строке, например: Какая столица у Италии?</translation>
    </message>
    <message>
      <source>Questions to watch</source>
      <translation>Вопросы для наблюдения</translation>
    </message>
    <message>
      <source>The model answers these now and again, so that you see how it changes.</source>
      <translation>Модель отвечает на них время от времени, и видно, как она меняется.</translation>
    </message>
    <message>
      <source>Advanced</source>
      <translation>Дополнительно</translation>
    </message>
    <message>
      <source>Start Training</source>
      <translation>Начать обучение</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>Обучение</translation>
    </message>
    <message>
      <source>Adapter</source>
      <translation>Адаптер</translation>
    </message>
    <message>
      <source>Data</source>
      <translation>Данные</translation>
    </message>
    <message>
      <source>Quantize the base (QLoRA)</source>
      <translation>Квантовать базу (QLoRA)</translation>
    </message>
    <message>
      <source>The base takes a quarter of the memory; the adapter stays exact</source>
      <translation>База займёт четверть памяти; адаптер останется точным</translation>
    </message>
    <message>
      <source>Choose a Dataset</source>
      <translation>Выбрать набор данных</translation>
    </message>
    <message>
      <source>Datasets ({patterns})</source>
      <translation>Наборы данных ({patterns})</translation>
    </message>
    <message>
      <source>{count} steps</source>
      <translation>шагов: {count}</translation>
    </message>
    <message>
      <source>at least {time}</source>
      <translation>не меньше {time}</translation>
    </message>
    <message>
      <source>about {size} of memory</source>
      <translation>памяти около {size}</translation>
    </message>
  </context>
  <context>
    <name>Side</name>
    <message>
      <source>Starting</source>
      <translation>Запуск</translation>
    </message>
  </context>
  <context>
    <name>Sidebar</name>
    <message>
      <source>Pages</source>
      <translation>Страницы</translation>
    </message>
  </context>
  <context>
    <name>Stages</name>
    <message>
      <source>Measuring</source>
      <translation>Измерение</translation>
    </message>
    <message>
      <source>Writing the GGUF file</source>
      <translation>Запись файла GGUF</translation>
    </message>
    <message>
      <source>Writing the adapter</source>
      <translation>Запись адаптера</translation>
    </message>
    <message>
      <source>Reading the Flax weights</source>
      <translation>Чтение весов Flax</translation>
    </message>
    <message>
      <source>Reading the Keras weights</source>
      <translation>Чтение весов Keras</translation>
    </message>
    <message>
      <source>Merging</source>
      <translation>Слияние</translation>
    </message>
    <message>
      <source>Answering</source>
      <translation>Ответ</translation>
    </message>
    <message>
      <source>Reading the prompt</source>
      <translation>Чтение запроса</translation>
    </message>
    <message>
      <source>Loading the model</source>
      <translation>Загрузка модели</translation>
    </message>
    <message>
      <source>Reading the dataset</source>
      <translation>Чтение набора данных</translation>
    </message>
    <message>
      <source>Laying rows end to end</source>
      <translation>Строки укладываются подряд</translation>
    </message>
    <message>
      <source>Padding rows, sorted by length</source>
      <translation>Строки дополняются по длине</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>Обучение</translation>
    </message>
    <message>
      <source>Resuming</source>
      <translation>Возобновление</translation>
    </message>
    <message>
      <source>Validating</source>
      <translation>Проверка</translation>
    </message>
    <message>
      <source>Quantizing</source>
      <translation>Квантование</translation>
    </message>
    <message>
      <source>Copying</source>
      <translation>Копирование</translation>
    </message>
  </context>
  <context>
    <name>System</name>
    <message>
      <source>Show in Finder</source>
      <translation>Показать в Finder</translation>
    </message>
    <message>
      <source>Show in Folder</source>
      <translation>Показать в папке</translation>
    </message>
  </context>
  <context>
    <name>Wording</name>
    <message>
      <source>TB</source>
      <translation>ТБ</translation>
    </message>
    <message>
      <source>GB</source>
      <translation>ГБ</translation>
    </message>
    <message>
      <source>MB</source>
      <translation>МБ</translation>
    </message>
    <message>
      <source>KB</source>
      <translation>КБ</translation>
    </message>
    <message>
      <source>bytes</source>
      <translation>байт</translation>
    </message>
    <message>
      <source>{number} billion parameters</source>
      <translation>{number} млрд параметров</translation>
    </message>
    <message>
      <source>{number} million parameters</source>
      <translation>{number} млн параметров</translation>
    </message>
    <message>
      <source>{number} parameters</source>
      <translation>параметров: {number}</translation>
    </message>
    <message>
      <source>{seconds} s</source>
      <translation>{seconds} с</translation>
    </message>
    <message>
      <source>{minutes} min</source>
      <translation>{minutes} мин</translation>
    </message>
    <message>
      <source>{hours} h {minutes} min</source>
      <translation>{hours} ч {minutes} мин</translation>
    </message>
    <message>
      <source>Yesterday</source>
      <translation>Вчера</translation>
    </message>
    <message>
      <source>Fits</source>
      <translation>Подходит</translation>
    </message>
    <message>
      <source>Tight</source>
      <translation>Впритык</translation>
    </message>
    <message>
      <source>Needs {needed}, this Mac allows {allowed}</source>
      <translation>Нужно {needed}, этот Mac даёт {allowed}</translation>
    </message>
    <message>
      <source>Needs {needed}, this computer allows {allowed}</source>
      <translation>Нужно {needed}, этот компьютер даёт {allowed}</translation>
    </message>
    <message>
      <source>Not known</source>
      <translation>Неизвестно</translation>
    </message>
    <message>
      <source>This Mac has {total} of memory and allows {allowed} for a model.</source>
      <translation>У этого Mac {total} памяти, модели можно {allowed}.</translation>
    </message>
    <message>
      <source>This computer has {total} of memory and allows {allowed} for a model.</source>
      <translation>У этого компьютера {total} памяти, модели можно {allowed}.</translation>
    </message>
    <message>
      <source>Needs {needed}</source>
      <translation>Нужно {needed}</translation>
    </message>
    <message>
      <source>Too large</source>
      <translation>Велика</translation>
    </message>
    <message>
      <source>Downloading {name}</source>
      <translation>Скачивание {name}</translation>
    </message>
    <message>
      <source>Asking for {name}</source>
      <translation>Запрос {name}</translation>
    </message>
  </context>
  <context>
    <name>WorkerProcess</name>
    <message>
      <source>The worker has already ended.</source>
      <translation>Рабочий процесс уже завершён.</translation>
    </message>
    <message>
      <source>Start it again; the rest of the app is not touched.</source>
      <translation>Запустите снова; остальное не затронуто.</translation>
    </message>
    <message>
      <source>Worker process {pid}</source>
      <translation>Рабочий процесс {pid}</translation>
    </message>
    <message>
      <source>Worker process</source>
      <translation>Рабочий процесс</translation>
    </message>
    <message>
      <source>The worker program could not be started.</source>
      <translation>Рабочую программу не удалось запустить.</translation>
    </message>
    <message>
      <source>Reinstall Gemma MLX: its worker is missing or may not be run.</source>
      <translation>Переустановите Gemma MLX: рабочей программы нет или её нельзя запускать.</translation>
    </message>
    <message>
      <source>The worker started, but did not answer.</source>
      <translation>Рабочий процесс запустился, но не ответил.</translation>
    </message>
    <message>
      <source>The worker sent something that cannot be read, and was ended.</source>
      <translation>Рабочий процесс прислал нечитаемое и был завершён.</translation>
    </message>
    <message>
      <source>The worker was stopped.</source>
      <translation>Рабочий процесс остановлен.</translation>
    </message>
    <message>
      <source>The system ended the worker, most likely because memory ran out.</source>
      <translation>Система завершила рабочий процесс, вероятно, из-за нехватки памяти.</translation>
    </message>
    <message>
      <source>Close other programs, or choose a smaller model, batch or length; then start it again.</source>
      <translation>Закройте другие программы или выберите модель, пакет или длину поменьше и запустите снова.</translation>
    </message>
    <message>
      <source>The worker crashed (signal {number}).</source>
      <translation>Рабочий процесс аварийно завершился (сигнал {number}).</translation>
    </message>
    <message>
      <source>The worker ended before its work was done (status {code}).</source>
      <translation>Рабочий процесс завершился, не закончив работу (код {code}).</translation>
    </message>
  </context>
</TS>
