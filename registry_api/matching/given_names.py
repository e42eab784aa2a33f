"""Names that people are really given, of every origin that is usual in Britain and the Channel Islands.

Two such names that differ by a letter are two children's: a twin called Amna is not Amina misspelt, nor Lena a slip for
Leona. So the list has to be as good for one origin as for another. Written down from general knowledge, folded as
``names.fold`` does, and fitted to no register; whoever is not on it loses nothing but this caution.
"""

_ENGLISH_WELSH_IRISH_SCOTTISH = """
abbie abby ada adele agnes aileen ailsa alan albert alex alexa alexis alfred alice alison amanda amber amelie andrea
angela angus anita annabel annabelle anthony antonia april aria arlo arran arya ashley ashton astrid athena aubrey
audrey austin autumn bella beth betty bill blake bobby bonnie brandon brenda brian bridget brodie bronwyn bruce bryn
byron caleb callie cara carl carla carly carol caroline carrie carys casey cassie cathal catrin cerys chester cheryl
chris christian christina christine christopher cian ciara cillian cole colin conor cora corey craig curtis dale
damian dan danielle daphne darcy darcey daryl dean debbie declan delilah denis dennis derek desmond diana dominic
donald donna dora doris dorothy duncan dwayne eddie edie edith edmund edwin eileen eilidh eira elaine eleanor elena
eliza ella ellen elliot elliott ellis elsa emilia emmett eoin eric erica ernest esme esmee esther ethan etta eve evan
ewan faith fay felicity felix fergus finlay finn fiona flora frances francesca francis frank fraser freddy gabriel
gabriella gareth gary gavin gemma geoffrey george georgina gerald gethin gillian gina gordon graham greta gwen gwyn
hallie hamish harley harper harri harvey hayden hayley hazel heather hector heidi helen helena herbert hettie hilary
hollie honor hope howard hugh hunter ian ida imani ina iris isabel isabelle isaiah isla isobel ivan jackson jacob jade
jaden jagger james jane janet janice jared jasper jax jay jayde jayden jean jeremy jesse jill jim joan joanna joanne
jodie joel joey johan jonah jonathan jonas josephine josh josie joyce judah jude judith julia julian julie juliet june
kai kaiden kara karen kate kay kayden kayla kayleigh kaylee keeley keira keith kelly kelsey kendra kenneth kenzie
kerry kian kim kirsten kirsty kit kitty kourtney kyla kylie kyra lacey lachlan lana lara laurel laurence laurie
lawrence leanne lee leighton lena lennon lennox lenny leona leonard leonardo lesley leslie lexi lexie lila lilah
lilian liliana lillie linda lisa lizzie llewellyn lloyd lola lorna lorraine lottie louisa luca lucia lucian lucille
luna lydia lyla lyra mabel macey mackenzie maddie maddison madison maeve maggie maia mairi malachi malcolm mara marcus
margaret margot maria marian marie marina marjorie mark marley marlon martin mary mason maud maurice mavis maxwell
melanie melissa mercy meredith michaela michelle mila miles millicent milo miranda miriam mitchell moira mollie monica
morag morgan morwenna muriel murray myles myra nadine nancy naomi nell nellie nevaeh niall nick nicola nicholas nigel
nina noel nora norah norma odette oisin olga olive ollie orla orlando otis otto pamela patricia patrick paul paula
pauline pearl penelope penny percy perry peter petra philip philippa phillip phyllis pippa poppie preston quentin
quinn rafferty ralph raymond reece reggie renee reuben rex rhiannon rhona rhys ricky riley rita robbie robin rocco
rodney roger roisin roland roman romeo ronald ronan ronnie rory rosa rosalind rosamund rosanna rose roseanna rosemary
rosina ross rowan roxanne roy rufus rupert russell sadie sally saoirse sasha saskia savannah sean selina seren serena
shaun sheila shirley sian sidney sienna simon sinead siobhan skye sonia spencer stacey stan stanley stella stephan
stephanie stephen steven stuart sue susan susanna suzanne sybil sydney sylvia tabitha talia tamara tamsin tanya tara
tasha tegan terence teresa tess tessa thea thelma theresa tia tiana tiffany tilda tilly tim timothy tina tobias todd
tom tony tracey tracy trevor trinity trudy una ursula valerie vanessa vera verity veronica vicky victor victoria
vincent viola violet virginia vivian vivien wade walter warren wayne wendy wesley wilfred will winifred winston woody
wren xander yvette yvonne zac zach zachary zack zander zane zena zelda
"""

_FRENCH_AND_NORMAN = """
adele adrien adrienne agathe aimee alain albane alexandre alexis alix alphonse ambre anais andre andree ange angele
anouk antoine antoinette apolline armand arnaud arthur aude aurelie aurelien axel baptiste bastien benoit bernadette
bernard berthe brigitte camille capucine cecile cedric celestine celine chantal charlene charles claire claude
claudine clemence clement clementine cloe clothilde colette coralie corentin corinne cyril damien danielle david
delphine denise didier dominique edith edmond edouard elise elodie eloise emile emilie emilien emmanuelle enzo estelle
etienne eugene eugenie eva fabien fabienne fabrice fanny fernand flavie florent floriane francine francois francoise
frederic gabin gabrielle gael gaelle gaspard gautier genevieve georges georgette gerard germaine ghislaine gilbert
gilles ginette gregoire guillaume gustave guy helene helier henri hortense hubert hugo hugues ines irene isaac jacques
jacqueline jean jeanne jeannine jerome joel josette jules julien julienne juliette justine kevin laetitia lancelot
laure laurent laurence lea leandre leon leonie lilou lise lisette loic loik lorenzo lou louane louis louise luc lucas
lucie lucien lucienne ludovic mael maelle madeleine malo manon marc marcel marceline margaux marguerite marianne
marielle marin marine marius marthe martine mathias mathieu mathilde mathis matthieu maude maxence maxime melina
melodie michel micheline mireille monique nathalie nicolas nicole noe noelle noemie norbert oceane octave odile
olivier ophelie oriane pascal pascale patrice paulette perrine philippe pierre quentin rachelle raoul raphael raymonde
regine regis remi remy renaud rene renee robin roger rolande romain romane rosalie roseline sabine sacha salome samuel
sandrine sebastien serge severine simone solange sophie soline stephane suzette sylvain sylvie tanguy thais theo
theodore theophile therese thibault thibaut thierry thomas timothee titouan ulysse valentin valentine valerie victoire
victorine virginie vivienne xavier yann yannick yves zelie
"""

_PORTUGUESE_POLISH_ROMANIAN_AND_OTHERS = """
afonso alberto alda alexandra aline amalia americo ana andreia angelina anselmo antonia antonio armando artur augusto
aurora beatriz benedita bento bernarda bernardo branca bruna bruno caetano camila carla carlos carlota carmen carolina
catarina cecilia celeste celia cesar clara claudia claudio constanca cristiana cristiano cristina daniela david
delfina dinis diogo diana duarte edgar eduarda eduardo elias elisa elsa emanuel ester eugenia eva fabio fatima
fernanda fernando filipa filipe filomena francisca francisco frederico gaspar gloria goncalo graca guilherme gustavo
helder helena henrique hugo ines isabel ivo jaime joana joao joaquim joaquina jorge jose juliana julio lara laura
leandro leonor leonardo leticia lidia lourenco lourdes luana luciana lucia luis luisa luiz madalena mafalda manuel
manuela marcelo marcia marco marcos margarida mariana mario marisa marlene marta martim mateus matilde mauricio
micaela miguel monica natalia nelson noemia nuno octavio olga olivia orlando patricia paula paulo pedro pilar rafael
rafaela ramiro raquel raul renato ricardo rita roberto rodrigo rogerio rosa rosario rui ruben salvador samuel sandra
santiago sara sergio silvia simao sofia sonia susana tania telmo teresa tiago tomas valentim vania vasco vera vicente
victor vitor yara adam adrian agata agnieszka aleksander aleksandra alicja amelia anastazja andrzej aneta aniela anna
antoni antonina arkadiusz barbara bartlomiej bartosz beata blanka bogdan bogumila borys bozena bronislaw cezary
cyprian czeslaw damian danuta daria dariusz dawid dominik dominika dorota edyta elzbieta emilia emil eryk ewa ewelina
fabian filip franciszek gabriela genowefa grazyna grzegorz hanna halina henryk hubert igor ilona irena ireneusz iwona
iza izabela jacek jadwiga jakub jan janina janusz jaroslaw jerzy joanna jolanta jozef julia julian justyna kacper kaja
kajetan kalina kamil kamila karina karol karolina kasia katarzyna kazimierz kinga klara klaudia konrad krystian
krystyna krzysztof ksawery lech lena leon liliana lucja lucyna ludwik lukasz maciej magdalena maja maksymilian
malgorzata malwina marcel marcelina marcin marek maria marianna mariola mariusz martyna marzena mateusz maurycy michal
michalina mieczyslaw mikolaj milena milosz miroslaw monika nadia nikodem nikola nina norbert oktawian ola olaf oliwia
oliwier oskar patrycja patryk paulina pawel piotr pola przemyslaw radoslaw rafal renata robert roksana roman ryszard
sebastian slawomir stanislaw stefan stefania sylwester sylwia szymon tadeusz tomasz tymon tymoteusz urszula waldemar
wanda weronika wiktor wiktoria wieslaw wioletta witold wladyslaw wojciech zbigniew zdzislaw zofia zuzanna zygmunt
adela adelina adina adriana alin alina anca andra andrada andreea andrei anghel anisoara anton aurel aurelia bianca
calin camelia catalin catalina cezar ciprian claudiu codrin constantin corina cornel cornelia cosmin costel costin
crina cristi cristian dan dana daniel dariu darius delia denis denisa dinu doina dorin dorina doru dragos dumitru
ecaterina eduard elena elisabeta emanuela eugen felicia flavia flavius florentina florica florin florina gabi gavril
george georgeta georgiana gheorghe gina grigore horatiu horia iacob ileana ilie ilinca ion ioan ioana ionela ionel
ionut irina iulia iulian iuliana larisa laurentiu lavinia lenuta letitia lia livia liviu loredana lucian luminita
madalina magda marcela margareta marian maricica marin marius matei melania mihaela mihai mihail mircea mirela mirona
nelu nicoleta nicolae nicu oana octavian olimpia ovidiu paul petre petru petronela petrica radu raluca ramona rares
razvan remus rodica roxana ruxandra sabina sanda sandu sergiu silviu simion simona sorin sorina stelian tamara teodor
teodora tiberiu traian tudor valentin valentina valeriu vasile veronica viorel viorica violeta virgil vlad vladimir
zamfir alessandra alessandro alessia andrea carmela chiara cosimo dario domenico emanuele enrico ettore fabrizio
federica federico filippo francesca francesco gianluca gianni giorgia giorgio giovanna giovanni giulia giulio giuseppe
ilaria ignazio lorenzo luca luigi marcella matteo mattia nicolo paolo piero pietro riccardo rocco salvatore serena
simone stefano tommaso umberto valeria vincenzo alejandra alejandro alfonso alicia alvaro amparo angel ariana ariel
camilo consuelo diego dolores emiliano emilio enrique esteban felipe gonzalo guadalupe guillermo hector hernan ignacio
isabela ivan javier jesus jimena joaquin josefa juan juana julieta leandra lucas maite mariano maricel marisol martin
mateo matias mercedes nestor noelia pablo paloma paola pepe ramon rocio ximena yolanda
"""

_SOUTH_ASIAN_ARABIC_TURKISH_AND_AFRICAN = """
aadil aamir aasia aasiya abbas abdul abid abida abrar adeel adil adnan afsana afzal aftab ahsan aiman aiza ajmal akbar
akram aleena aleeza ali alia alina aliya aliyah alya aman amaan ameena ameer ameera amin amina aminah amir amira amna
amnah amjad ammar ammara anam anas anaya aneesa anees anika anila anisa aniqa anum anwar aqib aqsa areeba areej arham
arif arisha arsalan arshad arwa asad asif asim asiya asma asmaa asra atif atiqa awais ayaan ayan ayat ayaz aymen ayman
azaan azam azhar aziz aziza azra babar badr bashir basim basma batool bilal bilqis bushra dania danish danyal dawood
deeba dua eesa ehsan eiman eliza emaan erum eshal ezzah fahad fahim fahmida faisal faiz faiza faizan fakhra faraz
farah fareeda farhan farhana farida faris farooq farrukh farzana fatih fatimah faustina fawad fayaz fazal ferdous
firdous fiza ghazala ghulam habib habiba hadia hadiya hafeez hafiz hafsa hafsah haider haleema halima hamid hamida
hammad hamna hamza hana haniya hanna hareem haris haroon harris hasan haseeb hashim hasina hassan hassaan hiba hina
hira humaira humayun huma husna hussain ibrahim idris ifra iftikhar ihsan ijaz ikram ilyas iman imran inaaya inaya
iqbal iqra irfan irum isa isha ishaq ishrat ismail isra israr issa iza izaan jabir jahan jahangir jalal jamal jamil
jamila jannat jannah javed javeria jawad junaid kabir kainat kaleem kamal kamran karim karima kashif kashmala kausar
khadeeja khadija khalid khalida khalil kiran komal laiba lubna madiha mahad maham maheen mahir mahira mahmood mahnoor
maira malaika malik malika manahil mansoor maria mariam mariya maryam mashal maya mazhar mehak mehmood mehreen mehwish
mina mirza misbah mohsin moin momina mona muaz mubashir mudassar mujahid mukhtar muneeb muneeba munir munira murtaza
musa musab mushtaq muskan mustafa nabeel nabeela nabil nabila nadeem nadia nadir naeem naila naima najma nargis nasim
naseem naseer nashwa nasir nasira nasreen nasrin naveed nawaz nawal nayab nazia nazir nida nighat nimra nisar noor
noora noreen noura nour nuha numan nusrat omaima omar osama owais parveen qadir qaiser qasim raashid rabia rafia rafiq
raheem rahim rahima rahman raisa raja rameen ramzan rana rania rashid rashida rayan rayyan raza razia reem rehan
rehana rida rimsha riaz rizwan rizwana romaisa rubina ruhi rukhsana rumaisa ruqayyah sabir sabiha sabina sabra saad
saadia sabah saba sabrina sadaf sadia sadiq saeed saeeda safa safia safiya safwan sahar sahil saif saima saira sajid
sajida sakina salah salam saleem saleha salim salima salma salman sameer sameera samia samina samir samira samiya sana
sania saqib sara sarfraz sarmad sarah sarwar sehrish shabana shabnam shafiq shagufta shah shahbaz shahid shahida
shahnaz shahzad shahzadi shaima shakeel shakila shamim shamima shamsa shanza sharif sharifa shaista shazad shazia
sheeza shehzad sheraz shireen shoaib sidra sobia sohail suhail suhaila sukaina sulaiman suleman sultana sumaira
sumaiya sumayyah summaiya syeda tabassum tahir tahira talal talat talha tanveer tanvir tanzeela taqwa tariq tasneem
taufiq tayyab tayyaba tehreem tooba tuba ubaid ubaidah umair umaima umar ume umer usama usman uzair uzma wafa wahab
wahida wajid waleed waqar waqas wardah waseem yahya yaqoob yasin yasir yasmeen yasmin yasmine younis yunus yusra zaara
zafar zahid zahida zahir zahra zaid zain zaina zainab zaki zakia zakir zakariya zara zareen zarina zayan zayd zayn
zaynab zeenat zeeshan zia zobia zohaib zoha zoya zubair zubaida zuhair zulfiqar zunaira aarav aadhya aaliyah aaradhya
aarti abhay abhinav abhishek aditi aditya ajay ajit akash akhil akshay alok amar amarjit amit amrit amrita anand
ananya anant anil anita anjali anjana anju ankit ankita ankur anmol anshul anuj anupam anuradha anushka aparna archana
arjun arnav arun aruna arvind aryan asha ashish ashok ashwin avani avinash avneet ayush balbir baldev baljit balvinder
balwinder bhavna bhavesh bhavika bina brijesh chandan chandni charan chetan chirag daljit darshan daya deepa deepak
deepika deepti dev devi dhruv dhruvi dilip dimple dinesh dipak dipti divya diya ekta esha gagan ganesh gaurav gauri
geeta gita gopal gulshan gunjan gurbir gurdeep gurdip gurjit gurmeet gurnam gurpreet gursharan harbir hardeep hari
harish harjeet harjinder harjit harleen harman harmeet harpreet harsh harsha harshita heena hema hemant hetal himanshu
hitesh inder inderjit indira ishaan ishan ishani ishita jagdeep jagdish jagjit jai jasbir jaskaran jasleen jasmeet
jaspal jaspreet jatin jaya jayesh jayshree jignesh jinal jyoti jyotsna kajal kalpana kamala kamaljit kanchan karan
karishma kartik kashish kavita kavya keerthi keshav ketan khushi kirti kishan kishore krish krisha krishan krishna
kriti kuldeep kulwinder kumari kunal kusum lakhan lakshmi lalit lata latika lavanya leela lokesh madhav madhu madhuri
mahendra mahesh mala malini mamta manav mandeep maninder manish manisha manjeet manjit manju manoj manpreet meena
meenakshi meera megha mehul milan minal mira mitesh mohan mohini mohit monika mukesh mukul nachiket naina nalini
namita namrata nandini naresh narinder natasha naveen navdeep navjot navneet navya neel neelam neeraj neeta neha nehal
nidhi nikhil nikita niraj nirmala nisha nishant nitin nitya palak pallavi parminder parth parul pavan payal pooja
prabhjot prachi pradeep prakash pranav prasad prashant pratik praveen preeti prem prerna prisha pritam pritesh priti
priya priyanka puja puneet purvi radha rachna raghav rahul raj rajan rajat rajbir rajeev rajendra rajesh rajinder
rajiv rajni raju rakesh raman ramesh ranjit ranjeet rashmi ravi ravinder reena rekha renu reshma rhea richa riddhi
rina rishi ritika ritu riya rohan rohini rohit roshni ruchi rupa rupinder sachin sahib samarth sandeep sandhya sandip
sangeeta sanjana sanjay sanjeev santosh sapna sarbjit sarika sarita saroj satinder satish satnam satwinder saurabh
savita seema shalini shanti sharan sharda shashi sheetal shikha shilpa shivam shivani shobha shreya shruti shubham
shweta siddharth simran simranjit sital sita smita sneha sonal sonam sonali soni srishti subhash suchitra sudha sudhir
sujata sukhbir sukhdev sukhjit sukhvinder sukhwinder suman sumit sunil sunita suraj surbhi surendra suresh surinder
surjit sushil sushma swati tanvi tanya tarun tejal tejas trisha tushar uday uma umesh urmila usha utkarsh vaibhav
vandana vanita varsha varun vasant veena veer vibha vidya vihaan vijay vikas vikram vimal vinay vineet vinod vipul
viraj vishal vivek yash yashvi yogesh yuvraj abdallah abdel adel ahlam aida alaa amal amani amr aya ayoub azza bader
basel bassam bassem camelia dalal dalia dana dima dina diyar elham esraa ezz fadi fadia fahd faten fathi fawzi fouad
ghada ghadir ghassan hadeel hadi haidar haifa hala hamad hamdi hamed hanan hanaa hanadi hani hatem haya haytham hazem
heba hend hesham hicham hisham houda hoda hosam hussam ihab ilham inas intisar jalila jana jihad jinan jomana jude
karam khaled khalifa khadra khawla kholoud lamia lamis latifa layan lina lamar linda loay lujain luna maher mahdi mai
majd majda majed malak manal manar maram marwa marwan may maysa maysoon medhat mennatallah miral moataz mounir mourad
muna nada nader nadine naglaa nahed nahla najat najib najla nasma nassim nayla nermin nesrine nevine nihal nisreen
noha norhan nouran omnia ossama qais raed raghad rahaf rahma rakan rami ramia ramy randa rasha rawan razan reda reham
rima rim rola roula rowaida ruba ruqaya saber safaa salwa samar sameh samer sanaa sawsan seif shadi shadia shahd shaza
sherif sherine siham sohaila soha souad sumaya tala tamer tareq tawfiq wael wafaa wahid walaa wassim yamen yara yasser
yassin youssef yousra zeina ziad zeyad zohra ahmet alperen arda aras asli aslihan atakan ayca aydin ayla aylin aysel
aysun baris baran batuhan berat beren berk berkay bora buket burak busra can canan caner cansu cem cemal ceren ceyda
cihan damla defne deniz derya didem dilara dilek doga dogan ebru ece eda ege ekin ela elif emine emir emre ender ercan
eren erkan esra eymen eylul fatma feyza filiz fulya furkan gamze gizem gokhan gonul gul gulay gulsen hakan hale halil
halime hande hatice hilal huseyin hulya idil ilayda ilker irem isil ismet kaan kadir kemal kerem kubra leyla levent
mehmet melek melike melis meltem meryem mert merve mine miray murat nazli necla nehir neslihan nil nur nuray nurcan
oguz okan omer onur orhan ozan ozge ozgur ozlem pelin pinar poyraz ramazan recep refik riza sabri safiye sami seda
selin selim selma sema serap serdar serkan sevda sevgi sevil sibel sinan sinem songul suat sude sultan tugba tuna
tuncay turgut tulay umut ugur volkan yagiz yagmur yasemin yavuz yeliz yigit yilmaz yusuf zehra zeki zerrin zeynep abdi
abdikarim abdirahman abdullahi abukar adan ahmed aisha amran anab astur awale ayanle bilan burhan canab cawo daahir
deka deeqo dahir fadumo farhiya farxiya fartun faduma fowsiya guleed guled habibo halimo hawa hawo hibaq hibo hodan
hoodo idiris ifrah ikran ilhan ismahan istar jama jibril kaltun khadro ladan liban luul maryan mohamud mulki mursal
muse mustaf nasra nasteho nimo nimco qadan raho sabrin saciid sagal sahra salado samatar shamis shamso shukri sucdi
suldan ubah warda warsame yahye yonis zakaria zamzam abel abebe adane addis alem alemayehu almaz amanuel aster aynalem
bereket berhane betelhem bethel dawit eden elias elsa eyob feven fitsum frehiwot genet girma helen hermon hiwot kidane
kidist lidya liya luwam mahlet makda meaza mehret meron mulugeta mussie natnael rahwa robel ruta samrawit selam
selamawit semhar senait simon solomon tedros tesfa tigist tsegay tsion winta yared yohannes yonas yordanos zebib
achieng adhiambo akello akinyi anyango apio atieno awino baraka brian faraja furaha gathoni imani jabali jelimo juma
kamau kanja karanja kariuki kimani kipchoge kwamboka lulu makena mbithi moraa muthoni mutua mwangi mwende mwikali
nafula naliaka nashipae neema njeri njoki nyambura nyokabi ochieng odhiambo okello omondi otieno rehema salome subira
upendo wairimu waithera wambui wambugu wangari wangui wanja wanjiku wanjiru zawadi zuhura abdoulaye abena abiola
abimbola abiodun abosede ada adaeze adaobi adama adebola adebayo adegoke adeola aderonke adesola adwoa afia afua akin
akosua akua alhaji aliou ama amadi amadou amaka aminata amma anuoluwapo araba assane assata atta awa ayo ayobami
ayodele ayodeji ayomide ayotunde babajide babatunde bakary bamidele binta bintou bisi blessing bola bolanle boubacar
bukola chidera chidi chidimma chiamaka chibuzo chidinma chidozie chika chikodi chima chimamanda chinaza chinedu
chinelo chinonso chinwe chioma chisom chizoba chukwudi chukwuma comfort dami damilola dayo djibril ebere ebube ebuka
efe efua ekene ekow ekua emeka eniola enitan esi esther eunice fanta fatou fatoumata femi fiifi fola folake folarin
folasade fran funke funmi gbenga gifty godfrey goodness grace idowu idrissa ifeanyi ifeoma ifeyinwa ifunanya ike
ikechukwu ikenna isatou isoken jide joy kadiatou kalu kemi kenechi khady kobina kofi kojo kolawole korede kosi kunle
kwabena kwadwo kwaku kwame kwasi lamin lamine lola mabel mamadou maame mame mariama marieme mbalu mercy modou moussa
moses ndidi ngozi nana nkechi nkem nneka nnenna nneoma nonso obi obinna ola oladipo olamide olumide olaoluwa olayinka
olu olufemi olufunke olusegun oluwadamilola oluwafemi oluwakemi oluwaseun oluwaseyi oluwatobi oluwatoyin omolara
omotola onyeka onyinye ore osagie osas osinachi ousmane oyin papa patience peace penda precious princess rokia rukayat
salamatu samba seun sekou sefi seyi sheriff simi simisola sola somto sunday tade tayo temi temitayo temitope timi titi
titilayo tobi tobenna tochukwu tolu tolulope tomi tope toyin tunde tunji uche uchenna ugo ugochi ugochukwu uju yaa yaw
yemi yetunde yewande yinka zainabu
"""

_CELTIC = """
shona nerys elana alana alanna ilana ayana cadi elin nia sion dylan rhodri macsen owain tirion mabli nansi ffion lowri
megan angharad eluned gwenllian heulwen mairwen olwen sioned tegid emyr geraint idris iestyn ifan iolo ioan iwan llew
osian steffan tomos aled aneurin dafydd emlyn deiniol eirlys eleri elen elan fflur gwenda hefin hywel huw illtyd mari
mali mared melangell meredydd myfanwy nest non rhian sara siwan taliesin torquil struan senga mhairi eilish ishbel
catriona kirsteen lisbeth marsali rhoda uist effie ewen aonghas calum coinneach domhnall eachann iain ruaridh ruairi
seumas tearlach aoibheann aoibhe aodhan ailbhe aine blathnaid bronagh cadhla caitriona caoimhe caoilfhionn clodagh
cliona dearbhla dervla eabha eimear eithne emer fiadh fionnuala fionn grainne iseult laoise maireead mairead meabh
muireann niamh nuala orlaith padraig padraic riona saorla sadhbh sinead sive sorcha treasa una aengus ardal brogan
cathal ciaran cillian colm conall conn cormac daithi darragh diarmuid donal donncha eamon eanna fergal fiachra finbarr
fintan lorcan malachy manus naoise niall odhran oscar rian ruadhan senan tadhg tiernan turlough ultan
"""

_EAST_ASIAN = """
ah ai an bao bei bin bing bo cai chang chao chen cheng chi chong chun da dan de dong fan fang fei fen feng fu gang
guang gui guo hai han hang hao he heng hong hua hui jia jian jiang jie jin jing jun ka kai kang ke kin kit kwan kwok
lai lan lei li lian liang lin ling long lu lok mei meng min ming mo na nan ning pei peng ping qi qian qiang qin qing
rong ru rui shan shu shuang shun si siu song suk sum tao tian ting tong tsz wai wan wei wen wing wu xia xian xiang
xiao xin xiu xu xue yan yang yao yee yi yin ying yong yu yuan yue yun zhen zheng zhi zhong zhuo zi bich chau diem dung
duc duong giang hanh hien hieu hoa hoang hung huong huy khanh khoa kim lam lien linh loan mai minh my nga ngan ngoc
nhi nhung phong phuc phuong quang quan quoc quyen quynh son tam tan thanh thao thi thien thinh thu thuy tien tin toan
trang trinh trung truong tuan tung tuyet tuyen uyen van viet vinh vy xuan yen aiko akira asuka ayumi chie daichi emi
hana haruka haruki haruto hina hinata hiroshi kaito kaori kazuki keiko kenji kenta makoto mana mariko megumi midori
miki misaki miyu naoki natsuki ren riku rin ryo sakura satoshi shota sora takashi taro tomoko yoko yoshi yui yuka yuki
yuko yuma yuna yuto angelica angelito angelo arnel bayani bea benjie bong carlo cesar cherry christian corazon
crisanto cristina danilo darna divina dolores edgardo efren emerson erlinda ernesto evelyn ferdinand fernando florante
geraldine gerry girlie gloria grace imelda jasmine jayson jericho jerome jhun jocelyn joel jomar josefina joven
juanita junjun karen kristine lani leilani ligaya lorna lourdes luz luzviminda maricel maricar marites marivic marilou
mark mary mayumi melchor michelle myrna nenita nestor noel norberto perla precious princess ramil reynaldo rodel
rodolfo rogelio rolando romeo ronaldo ronald rosalinda rosario rowena ruel sheila teresita tala vilma virgilio
wilfredo
"""

KNOWN = frozenset(
    " ".join(
        (
            _ENGLISH_WELSH_IRISH_SCOTTISH,
            _FRENCH_AND_NORMAN,
            _PORTUGUESE_POLISH_ROMANIAN_AND_OTHERS,
            _SOUTH_ASIAN_ARABIC_TURKISH_AND_AFRICAN,
            _EAST_ASIAN,
            _CELTIC,
        )
    ).split()
)
